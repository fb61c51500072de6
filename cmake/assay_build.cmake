# What every target of the project shares: the language, warnings, sanitizers, fast builds, packages.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LINK_DEPENDS_NO_SHARED ON)

option(ASSAY_WERROR "Treat warnings as errors" ON)
set(ASSAY_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them: address,undefined or thread")
include(CTest)

# ccache accepts precompiled headers only with these two sloppiness flags and -fpch-preprocess.
find_program(ASSAY_CCACHE ccache)
if(ASSAY_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime;${ASSAY_CCACHE}")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()

find_program(ASSAY_MOLD mold)
if(ASSAY_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

if(ASSAY_SANITIZE)
  add_compile_options(-fsanitize=${ASSAY_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${ASSAY_SANITIZE})
  if(ASSAY_SANITIZE MATCHES thread)
    add_compile_options(-Wno-tsan)  # it does not understand Asio's fences; Asio's queues are guarded by mutexes as well
  endif()
endif()

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(DUKTAPE REQUIRED IMPORTED_TARGET duktape)
pkg_check_modules(RSVG REQUIRED IMPORTED_TARGET librsvg-2.0)
find_package(PostgreSQL)
find_package(SQLite3)
# Not by pkg-config: its flag _FILE_OFFSET_BITS does not go with the precompiled header, and a parser needs no files.
find_path(HIREDIS_INCLUDE hiredis/read.h)
find_library(HIREDIS_LIBRARY hiredis)
if(HIREDIS_INCLUDE AND HIREDIS_LIBRARY)
  add_library(Hiredis::hiredis UNKNOWN IMPORTED)
  set_target_properties(Hiredis::hiredis PROPERTIES IMPORTED_LOCATION "${HIREDIS_LIBRARY}"
                        INTERFACE_INCLUDE_DIRECTORIES "${HIREDIS_INCLUDE}")
endif()

# assay_library(<name> SOURCES <file>... [LINKS <target>...])
# One static library per folder, `assay::<name>`, that sees the headers of what it links and no others' targets.
# Headers are included by their path from the repository's root: #include "harness/base/clock.hpp".
function(assay_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_library(assay_${name} STATIC ${arg_SOURCES})
  add_library(assay::${name} ALIAS assay_${name})
  target_link_libraries(assay_${name} PUBLIC ${arg_LINKS})
  assay_compile_settings(assay_${name})
endfunction()

function(assay_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINKS})
  assay_compile_settings(${name})
endfunction()

function(assay_compile_settings target)
  target_include_directories(${target} PUBLIC "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}/generated")
  # Off: designated initializers leave out on purpose what keeps its default; and Asio's coroutine plumbing trips GCC 12's
  # -Wmaybe-uninitialized at -O2 and -Wmismatched-new-delete under AddressSanitizer, both known false positives.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
                         -Woverloaded-virtual -Wno-maybe-uninitialized -Wno-mismatched-new-delete -Wno-missing-field-initializers
                         $<$<BOOL:${ASSAY_WERROR}>:-Werror>)
  if(NOT target STREQUAL "assay_base")
    target_precompile_headers(${target} REUSE_FROM assay_base)
  endif()
endfunction()
