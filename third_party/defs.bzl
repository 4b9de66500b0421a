"""Rules for Cap'n Proto schemas and for binaries that travel."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library")

def capnp_library(name, srcs, deps = [], visibility = None):
    """Compiles Cap'n Proto schemas to a cc_library.

    Args:
      name: the library's name.
      srcs: the `.capnp` files; those of one folder may import each other by bare name.
      deps: other capnp_library targets.
      visibility: as everywhere.
    """
    outs = []
    for src in srcs:
        outs += [src + ".h", src + ".c++"]
    native.genrule(
        name = name + "_generated",
        srcs = srcs,
        outs = outs,
        cmd = "capnp compile --src-prefix=$$(dirname $(location %s)) -I$$(dirname $(location %s)) -oc++:$(@D) $(SRCS)" % (srcs[0], srcs[0]),
    )
    cc_library(
        name = name,
        srcs = [out for out in outs if out.endswith(".c++")],
        hdrs = [out for out in outs if out.endswith(".h")],
        copts = ["-w"],
        visibility = visibility,
        deps = deps + ["//third_party:capnp"],
    )

def static_binary(name, srcs, deps, visibility = None, **kwargs):
    """A fully static cc_binary: it runs on any x86-64 Linux with nothing installed.

    The linker warns that getaddrinfo needs glibc's shared libraries: it does for names from DNS;
    numeric addresses and /etc/hosts do without.
    """
    cc_binary(
        name = name,
        srcs = srcs,
        linkopts = select({
            "//:sanitized": [],
            "//conditions:default": [
                "-static",
                # Every submit hashes the job's binary, and may send it: half the bytes, half the wait.
                # The symbol table stays, for stack traces.
                "-Wl,--strip-debug",
            ],
        }),
        linkstatic = 1,
        visibility = visibility,
        deps = deps + select({
            "//:sanitized": [],
            "//conditions:default": ["//third_party:static_runtime"],
        }),
        **kwargs
    )
