option(NYALA_BUILD_SHARED "Build libnyala as a shared library" ON)
option(NYALA_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(NYALA_EXAMPLES "Build the example programs" ${PROJECT_IS_TOP_LEVEL})
option(NYALA_BENCHMARKS "Build the benchmarks" OFF)
option(NYALA_INSTALL "Make the install rules" ${PROJECT_IS_TOP_LEVEL})
option(NYALA_WERROR "Treat warnings in Nyala's own code as errors" ${PROJECT_IS_TOP_LEVEL})
option(NYALA_CCACHE "Compile through ccache when it is installed" ${PROJECT_IS_TOP_LEVEL})
option(NYALA_MOLD "Link with mold when it is installed" ${PROJECT_IS_TOP_LEVEL})
option(NYALA_PCH "Precompile the common headers: builds faster, hides a missing #include" OFF)
option(NYALA_CUDA "Build the GPU module (not part of this version: ON is an error)" OFF)
option(NYALA_FULL_CHECK "Let ctest also run what scripts/test builds elsewhere: sanitizers, package, live Keras" OFF)
if(NYALA_SANITIZE MATCHES "address" AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(fuzz_default ON)
else()
  set(fuzz_default OFF)
endif()
option(NYALA_FUZZ "Build the libFuzzer targets (clang) and run each for a short while as a test" ${fuzz_default})
option(NYALA_REUSE_PASSES "Do not run a test again whose inputs have not changed since it passed" OFF)

set(NYALA_ONEDNN AUTO CACHE STRING "Use oneDNN for the hot operations: AUTO (when found), ON or OFF")
set_property(CACHE NYALA_ONEDNN PROPERTY STRINGS AUTO ON OFF)
set(NYALA_SANITIZE "" CACHE STRING "Sanitizers to build with, as in -fsanitize=: \"address,undefined\" or \"thread\"")
set(NYALA_PYTHON "" CACHE FILEPATH "A Python with Keras, jax, h5py and tensorboard, for the live tests")
set(NYALA_TEST_FILES "" CACHE STRING "Build only the test files whose path matches this regular expression")

if(NYALA_CUDA)
  find_program(NYALA_NVCC nvcc HINTS ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin)
  if(NOT NYALA_NVCC)
    message(FATAL_ERROR "NYALA_CUDA=ON: no CUDA toolkit was found (nvcc is neither on the PATH nor under CUDA_PATH or "
                        "/usr/local/cuda). And the CUDA module is not part of Nyala ${PROJECT_VERSION}: "
                        "configure with NYALA_CUDA=OFF.")
  endif()
  message(FATAL_ERROR "NYALA_CUDA=ON: the CUDA module is not part of Nyala ${PROJECT_VERSION}, although a toolkit was "
                      "found (${NYALA_NVCC}). Configure with NYALA_CUDA=OFF.")
endif()

if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux" OR NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  message(FATAL_ERROR "Nyala ${PROJECT_VERSION} builds for Linux on x86-64 only, not for ${CMAKE_SYSTEM_NAME} on "
                      "${CMAKE_SYSTEM_PROCESSOR}")
endif()

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Kind of build" FORCE)
endif()
