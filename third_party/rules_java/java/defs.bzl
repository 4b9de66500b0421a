"""The native Java rules under the names of rules_java.

Millrace has no Java; Bazel 4 itself loads these names while it looks for a toolchain.
"""

java_binary = native.java_binary
java_import = native.java_import
java_library = native.java_library
java_proto_library = native.java_proto_library
java_runtime = native.java_runtime
java_toolchain = native.java_toolchain
