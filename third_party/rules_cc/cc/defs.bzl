"""The native C++ rules under the names of rules_cc.

BUILD files load their rules from @rules_cc, as newer Bazel releases demand. Bazel 4 has the rules
built in, so this repository only hands them on.
"""

cc_binary = native.cc_binary
cc_library = native.cc_library
cc_test = native.cc_test
cc_import = native.cc_import
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
fdo_prefetch_hints = native.fdo_prefetch_hints
fdo_profile = native.fdo_profile
cc_proto_library = native.cc_proto_library
objc_library = native.objc_library
