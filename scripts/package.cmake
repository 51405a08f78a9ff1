# package.cmake - man pages, completion, what `cmake --install` installs, and the Debian packages: `cpack -G DEB` in
# the build directory makes margin, libmargin0, libmargin-dev and python3-margin (docs/deploy/README.md).
include(GNUInstallDirs)
set(manual ${PROJECT_BINARY_DIR}/manual)

# Both come from the help texts and tables of the program, which must run here.
if(NOT CMAKE_CROSSCOMPILING AND NOT MARGIN_SANITIZE AND NOT MARGIN_SANITIZE_THREADS AND NOT MARGIN_FUZZ)
  find_program(HELP2MAN help2man)
  if(HELP2MAN)
    set(stamp ${manual}/stamp-with-pages) # another name, so that the pages are made once help2man is installed
  else()
    set(stamp ${manual}/stamp)
    message(STATUS "margin: help2man is not installed, so there are no man pages")
  endif()
  add_custom_command(OUTPUT ${stamp} DEPENDS margin_cli ${PROJECT_SOURCE_DIR}/scripts/manual.sh VERBATIM
    COMMAND sh ${PROJECT_SOURCE_DIR}/scripts/manual.sh $<TARGET_FILE:margin_cli> ${manual} ${PROJECT_VERSION} COMMAND ${CMAKE_COMMAND} -E touch ${stamp})
  if(PROJECT_IS_TOP_LEVEL)
    set(all ALL)
  endif()
  add_custom_target(margin_manual ${all} DEPENDS ${stamp})
  install(DIRECTORY ${manual}/packed/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT margin OPTIONAL)
  install(FILES ${manual}/completion/margin DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT margin OPTIONAL)
  install(FILES ${manual}/completion/_margin DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT margin OPTIONAL)
  install(FILES ${manual}/completion/margin.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT margin OPTIONAL)
endif()

install(TARGETS margin_cli RUNTIME COMPONENT margin)
install(TARGETS margin ARCHIVE COMPONENT dev)
install(DIRECTORY include/margin DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_BINARY_DIR}/generated/margin/version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/margin COMPONENT dev)
if(TARGET margin_shared)
  include(CMakePackageConfigHelpers)
  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/margin)
  # Paths are relative, so that the installed directory may be moved.
  file(RELATIVE_PATH MARGIN_PREFIX /x/${CMAKE_INSTALL_LIBDIR}/pkgconfig /x)
  configure_file(scripts/margin.pc.in margin.pc @ONLY)
  write_basic_package_version_file(margin-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(TARGETS margin_shared EXPORT margin LIBRARY COMPONENT library NAMELINK_COMPONENT dev)
  install(EXPORT margin NAMESPACE margin:: FILE margin-config.cmake DESTINATION ${package} COMPONENT dev)
  install(FILES ${PROJECT_BINARY_DIR}/margin-config-version.cmake DESTINATION ${package} COMPONENT dev)
  install(FILES ${PROJECT_BINARY_DIR}/margin.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endif()

# ---- Debian packages ---------------------------------------------------------------------------------------------

if(NOT PROJECT_IS_TOP_LEVEL)
  return()
endif()
set(contact "the margin authors <margin@packages.debian.org>")
set(about "margin trains multiclass linear classifiers (SVMs and softmax) on every core\nof one machine, from one YAML file, to a certified optimum. The weights are\nstored in HDF5.")
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${PROJECT_BINARY_DIR}/debian/changelog
  "margin (${PROJECT_VERSION}) unstable; urgency=medium\n\n  * Release ${PROJECT_VERSION}: see CHANGELOG.md of the source.\n\n -- ${contact}  ${date}\n")
execute_process(COMMAND gzip -9nf ${PROJECT_BINARY_DIR}/debian/changelog)

# The Python package of Debian uses the shared library, which is linked with the same libhdf5 as Debian's h5py.
set(dist_packages lib/python3/dist-packages)
file(WRITE ${PROJECT_BINARY_DIR}/debian/METADATA "Metadata-Version: 2.1\nName: margin-svm\nVersion: ${PROJECT_VERSION}\n")
install(DIRECTORY python/margin DESTINATION ${dist_packages} COMPONENT python3 EXCLUDE_FROM_ALL FILES_MATCHING PATTERN "*.py" PATTERN "py.typed"
        PATTERN __pycache__ EXCLUDE)
install(FILES ${PROJECT_BINARY_DIR}/debian/METADATA DESTINATION ${dist_packages}/margin_svm-${PROJECT_VERSION}.dist-info COMPONENT python3 EXCLUDE_FROM_ALL)
file(RELATIVE_PATH library_link "/${dist_packages}/margin" "/${CMAKE_INSTALL_LIBDIR}/libmargin.so.${PROJECT_VERSION_MAJOR}")
install(CODE "file(CREATE_LINK ${library_link}
  \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${dist_packages}/margin/libmargin.so\" SYMBOLIC)" COMPONENT python3 EXCLUDE_FROM_ALL)

# The program and the library contain uPlot, for reports.
file(READ ${PROJECT_SOURCE_DIR}/LICENSE licence)
file(READ ${PROJECT_SOURCE_DIR}/src/report/uplot/LICENSE licence_of_uplot)
file(WRITE ${PROJECT_BINARY_DIR}/debian/copyright "${licence}\n\nReports contain uPlot, under this licence:\n\n${licence_of_uplot}")

# deb COMPONENT NAME SECTION SUMMARY DEPENDS: one package.
macro(deb component name section summary depends)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}\n${about}")
  set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "${depends}")
  install(FILES ${PROJECT_BINARY_DIR}/debian/copyright DESTINATION share/doc/${name} COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES ${PROJECT_BINARY_DIR}/debian/changelog.gz DESTINATION share/doc/${name} COMPONENT ${component} EXCLUDE_FROM_ALL)
endmacro()
deb(margin margin science "multiclass linear classifiers with a certified optimum" "")
deb(library libmargin${PROJECT_VERSION_MAJOR} libs "multiclass linear classifiers, the shared library" "")
deb(dev libmargin-dev libdevel "multiclass linear classifiers, for programs in C"
  "libmargin${PROJECT_VERSION_MAJOR} (= ${PROJECT_VERSION}), libhdf5-dev, libyaml-dev, zlib1g-dev")
deb(python3 python3-margin python "multiclass linear classifiers, as estimators of scikit-learn"
  "libmargin${PROJECT_VERSION_MAJOR} (= ${PROJECT_VERSION}), python3 (>= 3.9), python3-numpy, python3-scipy, python3-sklearn")
set(CPACK_DEBIAN_MARGIN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
file(WRITE ${PROJECT_BINARY_DIR}/debian/shlibs "libmargin ${PROJECT_VERSION_MAJOR} libmargin${PROJECT_VERSION_MAJOR} (>= ${PROJECT_VERSION})\n")
file(WRITE ${PROJECT_BINARY_DIR}/debian/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/debian/shlibs ${PROJECT_BINARY_DIR}/debian/triggers)

# Python writes __pycache__ beside the modules. Without this, their directory would outlive the package.
file(WRITE ${PROJECT_BINARY_DIR}/debian/prerm "#!/bin/sh\nset -e\nrm -rf /usr/${dist_packages}/margin/__pycache__\n")
set(CPACK_DEBIAN_PYTHON3_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/debian/prerm)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME margin)
set(CPACK_PACKAGE_CONTACT "${contact}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL margin library dev python3)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
