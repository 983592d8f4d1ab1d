# How Nyala's own code is compiled: one interface target, linked privately, so that nothing reaches a user's targets.
add_library(nyala_compile INTERFACE)
target_compile_features(nyala_compile INTERFACE cxx_std_20)
target_compile_options(
  nyala_compile
  INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
            # A multiplication and an addition are fused only where the source says so (std::fma, xsimd::fma). Otherwise
            # the AVX2 and AVX-512 copies of a loop would round differently from the SSE4.2 copy, and clang from g++.
            -ffp-contract=off)
if(NYALA_WERROR)
  target_compile_options(nyala_compile INTERFACE -Werror)
endif()

if(NYALA_SANITIZE)
  target_compile_options(nyala_compile INTERFACE -fsanitize=${NYALA_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(nyala_compile INTERFACE -fsanitize=${NYALA_SANITIZE})
  if(NYALA_SANITIZE MATCHES "undefined")
    # AddressSanitizer sees what these three would, and they cost a third of the compile time.
    target_compile_options(nyala_compile INTERFACE -fno-sanitize-recover=all -fno-sanitize=null,vptr,object-size)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 raises these two falsely once sanitizer instrumentation has rewritten the flow of control.
    target_compile_options(nyala_compile INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-tsan)
  endif()
endif()

if(NYALA_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 raises the first three falsely where it inlines more of std::string than it does in sources apart, and takes
  # sources that others include for headers, in which an unnamed namespace would be a mistake.
  target_compile_options(nyala_compile INTERFACE -Wno-array-bounds -Wno-stringop-overflow -Wno-restrict
                                                 -Wno-subobject-linkage)
endif()

if(NYALA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(NYALA_CCACHE_PROGRAM ccache)
  if(NYALA_CCACHE_PROGRAM)
    # Paths relative to the checkout let two checkouts (and a fresh clone) share what is compiled.
    cmake_path(GET PROJECT_BINARY_DIR PARENT_PATH parent)
    if(parent STREQUAL "${PROJECT_SOURCE_DIR}/build")
      set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
                   CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros,locale ${NYALA_CCACHE_PROGRAM})
    else()
      set(launcher ${PROJECT_SOURCE_DIR}/cmake/ccache-launcher.sh ${NYALA_CCACHE_PROGRAM} ${PROJECT_SOURCE_DIR})
    endif()
    set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  endif()
endif()

if(NYALA_MOLD)
  find_program(NYALA_MOLD_PROGRAM mold)
  if(NYALA_MOLD_PROGRAM)
    target_link_options(nyala_compile INTERFACE -fuse-ld=mold)
  endif()
endif()

# nyala_unite(TARGET): under NYALA_UNITY the compiler reads a dozen sources of a folder at once: the first by name, the
# others before it by -include. What has internal linkage therefore has a name of its own in its folder, tests included.
# (CMake's own UNITY_BUILD writes files with absolute paths in them, which ccache does not know in another clone or
# build folder.)
function(nyala_unite target)
  if(NOT NYALA_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cpp$")
  list(TRANSFORM sources PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/" REGEX "^[^/]")
  # What the configuration wrote (files that join others) is left as it is.
  list(FILTER sources EXCLUDE REGEX "^${PROJECT_BINARY_DIR}/")
  list(SORT sources)
  set(leader "")
  set(others "")
  foreach(source ${sources} "")
    cmake_path(GET source PARENT_PATH folder)
    if(leader AND (NOT folder STREQUAL leader_folder OR in_group EQUAL 12))
      set_source_files_properties("${leader}" PROPERTIES COMPILE_OPTIONS "${others}")
      set(leader "")
      set(others "")
    endif()
    get_source_file_property(own "${source}" COMPILE_DEFINITIONS)
    if(own OR NOT source)
      continue()
    endif()
    if(NOT leader)
      set(leader "${source}")
      set(leader_folder "${folder}")
      set(in_group 1)
    else()
      cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE name)
      math(EXPR in_group "${in_group} + 1")
      list(APPEND others -include "${name}")
      set_source_files_properties("${source}" PROPERTIES HEADER_FILE_ONLY ON)
    endif()
  endforeach()
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
endfunction()
