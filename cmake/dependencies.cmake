# What the library needs. Only xtensor reaches a user of Nyala; all else is in nyala_vendors and stays private.
find_package(Threads REQUIRED)
find_package(xtensor 0.24 REQUIRED)
find_package(xtensor-blas REQUIRED)
find_package(xsimd 8 REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(HDF5 REQUIRED COMPONENTS C)
find_path(NYALA_LIBDEFLATE_INCLUDE libdeflate.h REQUIRED)
find_library(NYALA_LIBDEFLATE_LIBRARY deflate REQUIRED)
# The OpenMP runtime that oneDNN uses, only to tell it how many threads it may use: Nyala has its own pool. It is g++'s
# under clang too, for two OpenMP runtimes in one process would fight over the processors.
find_library(NYALA_GOMP_LIBRARY NAMES gomp libgomp.so.1 REQUIRED)

# OpenBLAS by name where it is there: what BLAS a Debian system's libblas.so means is a matter of alternatives.
find_library(NYALA_OPENBLAS openblas)
if(NYALA_OPENBLAS)
  set(blas_libraries ${NYALA_OPENBLAS})
else()
  find_package(BLAS REQUIRED)
  find_package(LAPACK REQUIRED)
  set(blas_libraries ${LAPACK_LIBRARIES} ${BLAS_LIBRARIES})
endif()

if(NOT NYALA_ONEDNN STREQUAL "OFF")
  find_path(NYALA_ONEDNN_INCLUDE oneapi/dnnl/dnnl.hpp)
  find_library(NYALA_ONEDNN_LIBRARY dnnl)
endif()
if(NYALA_ONEDNN_INCLUDE AND NYALA_ONEDNN_LIBRARY AND NOT NYALA_ONEDNN STREQUAL "OFF")
  set(NYALA_WITH_ONEDNN ON)
  message(STATUS "Nyala: oneDNN for the hot operations: ${NYALA_ONEDNN_LIBRARY}")
elseif(NYALA_ONEDNN STREQUAL "ON")
  message(FATAL_ERROR "NYALA_ONEDNN=ON, but oneapi/dnnl/dnnl.hpp or libdnnl was not found (Debian: libdnnl-dev)")
else()
  set(NYALA_WITH_ONEDNN OFF)
  message(STATUS "Nyala: without oneDNN; convolutions and matrix products use the slower xtensor kernels")
endif()

set(NYALA_PRIVATE_LIBRARIES ${HDF5_C_LIBRARIES} ${NYALA_LIBDEFLATE_LIBRARY} ${ZLIB_LIBRARIES} ${blas_libraries}
                            ${NYALA_GOMP_LIBRARY} ${CMAKE_DL_LIBS})
if(NYALA_WITH_ONEDNN)
  list(APPEND NYALA_PRIVATE_LIBRARIES ${NYALA_ONEDNN_LIBRARY})
endif()

add_library(nyala_vendors INTERFACE)
target_include_directories(nyala_vendors SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS} ${NYALA_LIBDEFLATE_INCLUDE})
target_compile_definitions(nyala_vendors INTERFACE HAVE_CBLAS=1 ${HDF5_C_DEFINITIONS})
target_link_libraries(
  nyala_vendors INTERFACE xtensor-blas xsimd nlohmann_json::nlohmann_json Threads::Threads
                          ${NYALA_PRIVATE_LIBRARIES})
if(NYALA_WITH_ONEDNN)
  target_include_directories(nyala_vendors SYSTEM INTERFACE ${NYALA_ONEDNN_INCLUDE})
endif()
