# libnyala_cuda: the GPU module, which libnyala opens at run time. Nothing else in Nyala needs CUDA.
# nyala_join_cuda_sources(VARIABLE EXTENSION): in a list of the module's sources, families of *.cu that are compiled as
# one file each, as a compiler of GPU code spends six seconds on headers before it comes to a line of ours.
function(nyala_join_cuda_sources variable extension)
  set(elements elementwise indexing matmul memory random sorted_sum)
  set(networks batch_norm conv_columns layer_norm pool resize softmax)
  set(orders nvcc/device/sort order reduce)
  set(recurrent rnn_backward rnn_forward rnn_layout)
  set(folder "${PROJECT_SOURCE_DIR}/src/backend/cuda")
  set(sources ${${variable}})
  foreach(family elements networks orders recurrent)
    set(text "")
    foreach(source ${${family}})
      if("${folder}/${source}.cu" IN_LIST sources)
        list(REMOVE_ITEM sources "${folder}/${source}.cu")
        string(APPEND text "#include \"backend/cuda/${source}.cu\"\n")
      endif()
    endforeach()
    set(joined "${PROJECT_BINARY_DIR}/cuda/${extension}/${family}.${extension}")
    file(CONFIGURE OUTPUT "${joined}" CONTENT "${text}")
    list(APPEND sources "${joined}")
  endforeach()
  set(${variable} ${sources} PARENT_SCOPE)
endfunction()

if(NOT NYALA_CUDA)
  return()
endif()
if(NOT NYALA_BUILD_SHARED)
  message(FATAL_ERROR "NYALA_CUDA=ON needs NYALA_BUILD_SHARED=ON: the module and the program share one libnyala")
endif()
if(NYALA_SANITIZE)
  message(FATAL_ERROR "NYALA_CUDA=ON does not go with NYALA_SANITIZE: the software GPU's tests are sanitized instead")
endif()

find_program(NYALA_NVCC nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES bin)
if(NOT NYALA_NVCC)
  message(FATAL_ERROR "NYALA_CUDA=ON: no CUDA toolkit was found (nvcc is neither on the PATH nor under CUDA_PATH, "
                      "CUDA_HOME or /usr/local/cuda). Install CUDA 12.4 or later, or configure with NYALA_CUDA=OFF.")
endif()
if(NOT CMAKE_CUDA_COMPILER)
  set(CMAKE_CUDA_COMPILER "${NYALA_NVCC}")
endif()
# Every source is compiled once, for the oldest architecture, and what comes out of that is assembled for each of them:
# the sources ask for nothing that only a newer one has, and compiling takes longer than assembling.
foreach(architecture ${NYALA_CUDA_ARCHITECTURES})
  if(NOT architecture MATCHES "^[0-9]+$")
    message(FATAL_ERROR "NYALA_CUDA_ARCHITECTURES takes numbers such as 80;90, got ${NYALA_CUDA_ARCHITECTURES}")
  endif()
endforeach()
set(cuda_architectures ${NYALA_CUDA_ARCHITECTURES})
list(SORT cuda_architectures COMPARE NATURAL)
list(GET cuda_architectures 0 oldest)
list(TRANSFORM cuda_architectures PREPEND "sm_")
list(JOIN cuda_architectures "," cuda_code)
set(CMAKE_CUDA_ARCHITECTURES OFF)
if(NOT CMAKE_CUDA_COMPILER_LAUNCHER)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()
if(NOT CMAKE_CUDA_FLAGS_RELEASE)
  set(CMAKE_CUDA_FLAGS_RELEASE "-O1 -DNDEBUG")  # of the host's code; -O3 is nvcc's own choice for the GPU's
endif()
enable_language(CUDA)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.4)
  message(FATAL_ERROR "NYALA_CUDA=ON: CUDA ${CMAKE_CUDA_COMPILER_VERSION} is too old (${CMAKE_CUDA_COMPILER}); "
                      "Nyala needs 12.4 or later")
endif()

cmake_path(GET NYALA_NVCC PARENT_PATH cuda_bin)
cmake_path(GET cuda_bin PARENT_PATH cuda_root)
set(cuda_hints ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES} "${cuda_root}/include"
               "${cuda_root}/targets/x86_64-linux/include")
set(cuda_library_hints "${cuda_root}/lib64" "${cuda_root}/lib" "${cuda_root}/targets/x86_64-linux/lib")
find_path(NYALA_CUDART_INCLUDE cuda_runtime.h HINTS ${cuda_hints})
find_path(NYALA_CUDNN_INCLUDE cudnn.h HINTS ENV CUDNN_PATH ${cuda_hints} PATH_SUFFIXES include)
find_library(NYALA_CUDART_LIBRARY cudart HINTS ${cuda_library_hints})
find_library(NYALA_CUBLASLT_LIBRARY cublasLt HINTS ${cuda_library_hints})
find_library(NYALA_CUDNN_LIBRARY cudnn HINTS ENV CUDNN_PATH ${cuda_library_hints} PATH_SUFFIXES lib lib64)
foreach(part CUDART_INCLUDE CUDART_LIBRARY CUBLASLT_LIBRARY CUDNN_INCLUDE CUDNN_LIBRARY)
  if(NOT NYALA_${part})
    message(FATAL_ERROR "NYALA_CUDA=ON: ${part} was not found beside ${NYALA_NVCC}. Nyala needs the CUDA runtime, "
                        "cuBLASLt and cuDNN 9 with their headers; set CUDNN_PATH if cuDNN is elsewhere.")
  endif()
endforeach()

file(GLOB_RECURSE cuda_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/backend/cuda/*.cpp"
     "${PROJECT_SOURCE_DIR}/src/backend/cuda/*.cu")
nyala_join_cuda_sources(cuda_sources cu)
add_library(nyala_cuda MODULE ${cuda_sources})
set_target_properties(
  nyala_cuda PROPERTIES CXX_EXTENSIONS OFF CUDA_RUNTIME_LIBRARY None
                        CUDA_SEPARABLE_COMPILATION OFF LIBRARY_OUTPUT_DIRECTORY "$<TARGET_FILE_DIR:nyala>"
                        BUILD_RPATH_USE_ORIGIN ON INSTALL_RPATH "$ORIGIN")
target_compile_features(nyala_cuda PRIVATE cxx_std_20)
string(REPLACE ";" "," cuda_architectures_text "${NYALA_CUDA_ARCHITECTURES}")
target_compile_definitions(nyala_cuda PRIVATE NYALA_VERSION="${PROJECT_VERSION}"
                                              NYALA_CUDA_ARCHITECTURES="${cuda_architectures_text}")
target_include_directories(nyala_cuda PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/src/backend/cuda/nvcc)
target_include_directories(nyala_cuda SYSTEM PRIVATE ${NYALA_CUDART_INCLUDE} ${NYALA_CUDNN_INCLUDE})
# CMake 3.25 knows no C++20 for nvcc. constexpr functions are compiled for the device too; no fused multiply-add, as on
# the CPU (see toolchain.cmake).
target_compile_options(
  nyala_cuda
  PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wconversion;-Wshadow;-ffp-contract=off>"
          "$<$<COMPILE_LANGUAGE:CUDA>:--generate-code=arch=compute_${oldest},code=[compute_${oldest},${cuda_code}]>"
          "$<$<COMPILE_LANGUAGE:CUDA>:-std=c++20;--expt-relaxed-constexpr;-fmad=false;-diag-suppress=186>"
          "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wconversion,-Wshadow,-ffp-contract=off>"
)
if(NYALA_WERROR)
  target_compile_options(nyala_cuda PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:-Werror>"
                                            "$<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings;-Xcompiler=-Werror>")
endif()
target_link_libraries(nyala_cuda PRIVATE nyala ${NYALA_CUDART_LIBRARY} ${NYALA_CUBLASLT_LIBRARY}
                                         ${NYALA_CUDNN_LIBRARY})
target_link_options(nyala_cuda PRIVATE -Wl,-z,defs)
message(STATUS "Nyala: GPU module with CUDA ${CMAKE_CUDA_COMPILER_VERSION}, ${NYALA_CUDNN_LIBRARY}, for "
               "compute capabilities ${NYALA_CUDA_ARCHITECTURES}")
