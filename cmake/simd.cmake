# Hot loops: each src/backend/cpu/simd/*.simd.cpp is compiled once per instruction set, into a namespace of that name,
# and one of the copies is chosen at run time. No file of the library is compiled for the machine it is built on.
file(GLOB nyala_simd_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/backend/cpu/simd/*.simd.cpp")

# The order matters. An inline function of the standard library that several objects carry is taken by the linker from
# the first of them; so the generic objects come first, then the oldest instruction set, and no processor ever meets an
# instruction that it lacks outside the loops chosen for it. tests/house/simd_symbols.py checks the objects.
set(flags_sse42 -msse4.2)
set(flags_avx2 -mavx2 -mfma)
set(flags_avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mavx2)

if(nyala_simd_sources)
  foreach(level sse42 avx2 avx512)
    add_library(nyala_simd_${level} OBJECT ${nyala_simd_sources})
    set_target_properties(nyala_simd_${level} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
    target_include_directories(nyala_simd_${level} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
    target_compile_definitions(nyala_simd_${level} PRIVATE NYALA_SIMD_NAMESPACE=${level})
    # g++ 12 warns falsely about its own AVX-512 intrinsics (GCC bug 105593).
    set(false_warnings "$<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized;-Wno-maybe-uninitialized>")
    # -O3 in optimised builds only: a debug build stays debuggable, a sanitizer build quick to make.
    target_compile_options(nyala_simd_${level} PRIVATE ${flags_${level}} $<$<CONFIG:Release,RelWithDebInfo>:-O3>
                                                       ${false_warnings})
    if(NYALA_SANITIZE MATCHES "address")
      target_compile_options(nyala_simd_${level} PRIVATE -O1)  # as the reference's loops (library.cmake)
    endif()
    target_link_libraries(nyala_simd_${level} PRIVATE nyala_compile nyala_vendors)
    nyala_unite(nyala_simd_${level})
    target_sources(nyala PRIVATE $<TARGET_OBJECTS:nyala_simd_${level}>)
  endforeach()
endif()

# Products on the tile unit: for one kind of processor, chosen at run time too.
file(GLOB nyala_amx_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/backend/cpu/amx/*.amx.cpp")
add_library(nyala_simd_amx OBJECT ${nyala_amx_sources})
set_target_properties(nyala_simd_amx PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
target_include_directories(nyala_simd_amx PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_compile_options(nyala_simd_amx PRIVATE ${flags_avx512} -mamx-tile -mamx-bf16 -mavx512bf16 ${false_warnings}
                                              $<$<CONFIG:Release,RelWithDebInfo>:-O3>)
if(NYALA_SANITIZE MATCHES "address")
  target_compile_options(nyala_simd_amx PRIVATE -O1)
endif()
target_link_libraries(nyala_simd_amx PRIVATE nyala_compile)
target_sources(nyala PRIVATE $<TARGET_OBJECTS:nyala_simd_amx>)
