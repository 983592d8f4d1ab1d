# libnyala: every source of these folders, so that a new layer or op needs no line here.
set(source_globs)
foreach(folder src layers optimizers losses metrics callbacks)
  list(APPEND source_globs "${PROJECT_SOURCE_DIR}/${folder}/*.cpp")
endforeach()
file(GLOB_RECURSE nyala_sources CONFIGURE_DEPENDS ${source_globs})

# The GPU module is a library of its own; loops in *.simd.cpp are compiled once per instruction set (simd.cmake); and
# exactly one of the folders onednn and no_onednn is part of a build.
list(FILTER nyala_sources EXCLUDE REGEX "/src/(backend/cuda|tools)/")
list(FILTER nyala_sources EXCLUDE REGEX "\\.(simd|amx)\\.cpp$")
if(NYALA_WITH_ONEDNN)
  list(FILTER nyala_sources EXCLUDE REGEX "/src/backend/cpu/no_onednn/")
else()
  list(FILTER nyala_sources EXCLUDE REGEX "/src/backend/cpu/onednn/")
endif()

if(NOT nyala_sources)
  file(WRITE "${PROJECT_BINARY_DIR}/empty.cpp" "")
  set(nyala_sources "${PROJECT_BINARY_DIR}/empty.cpp")
endif()

if(NYALA_SANITIZE MATCHES "address")
  # Sanitizer builds leave everything unoptimised, which takes half of the time to compile; only the reference's loops
  # over elements would then make the tests slow (ThreadSanitizer's are few).
  set(loops ${nyala_sources})
  list(FILTER loops INCLUDE REGEX "/src/(core|backend/cpu)/")
  list(FILTER nyala_sources EXCLUDE REGEX "/src/(core|backend/cpu)/")
  add_library(nyala_loops OBJECT ${loops})
  set_target_properties(nyala_loops PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_compile_options(nyala_loops PRIVATE -O1)
  target_include_directories(nyala_loops PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(nyala_loops PRIVATE xtensor nyala_compile nyala_vendors)
  nyala_unite(nyala_loops)
  list(APPEND nyala_sources $<TARGET_OBJECTS:nyala_loops>)
endif()

if(NYALA_FUZZ)
  # What reads files tells the fuzzer (tests/fuzz) which branches it takes.
  set(readers ${nyala_sources})
  list(FILTER readers INCLUDE REGEX "/src/(saving/|model/json_parser)")
  list(FILTER nyala_sources EXCLUDE REGEX "/src/(saving/|model/json_parser)")
  add_library(nyala_readers OBJECT ${readers})
  set_target_properties(nyala_readers PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_compile_options(nyala_readers PRIVATE -fsanitize=fuzzer-no-link)
  target_include_directories(nyala_readers PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(nyala_readers PRIVATE xtensor nyala_compile nyala_vendors)
  nyala_unite(nyala_readers)
  list(APPEND nyala_sources $<TARGET_OBJECTS:nyala_readers>)
endif()

if(NYALA_BUILD_SHARED)
  add_library(nyala SHARED ${nyala_sources})
else()
  add_library(nyala STATIC ${nyala_sources})
endif()
add_library(nyala::nyala ALIAS nyala)
set_target_properties(nyala PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION
                                       ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                                       CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
target_compile_features(nyala PUBLIC cxx_std_20)
target_compile_definitions(nyala PRIVATE NYALA_VERSION="${PROJECT_VERSION}")
# For the one file that asks, so that builds of all kinds share all others through ccache.
set_source_files_properties(
  "${PROJECT_SOURCE_DIR}/src/backend/gpu_module.cpp"
  PROPERTIES COMPILE_DEFINITIONS
             "NYALA_STATIC=$<NOT:$<BOOL:${NYALA_BUILD_SHARED}>>;NYALA_WITH_CUDA=$<BOOL:${NYALA_CUDA}>")
target_include_directories(
  nyala
  PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(nyala PUBLIC xtensor PRIVATE $<BUILD_INTERFACE:nyala_compile> $<BUILD_INTERFACE:nyala_vendors>)
# Calls within the library go straight to their targets: no way through a table, and no look-up of thousands of names
# when a program starts.
target_link_options(nyala PRIVATE -Wl,--as-needed -Wl,-Bsymbolic-functions)
if(NOT NYALA_BUILD_SHARED)
  # Who links the archive needs what a shared library would have brought along.
  target_link_libraries(nyala INTERFACE "$<INSTALL_INTERFACE:${NYALA_PRIVATE_LIBRARIES}>")
endif()
# Where datasets::mnist and others look when no variable says where.
set_source_files_properties(
  "${PROJECT_SOURCE_DIR}/src/data/datasets.cpp" PROPERTIES COMPILE_DEFINITIONS
                                                           NYALA_SOURCE_DATA_DIR="${PROJECT_SOURCE_DIR}/data")

nyala_unite(nyala)
