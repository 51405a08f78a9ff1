# arm.cmake - the CMake toolchain of scripts/arm.sh: gcc for 64-bit ARM, with the libraries of
# MARGIN_ARM_SYSROOT only.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)

# CMake reads this file again for its trial builds, which cannot read the cache.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MARGIN_ARM_SYSROOT)
set(CMAKE_SYSROOT ${MARGIN_ARM_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${MARGIN_ARM_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${MARGIN_ARM_SYSROOT}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${MARGIN_ARM_SYSROOT})
set(ENV{PKG_CONFIG_PATH} "")
