# embed.cmake - writes OUT, a C file with the bytes of the files that are part of every report.
#
#     cmake -DOUT=FILE -DROOT=src/report -P embed.cmake
#
# The copies of uPlot must be the released ones (SHA256SUMS).
file(STRINGS ${ROOT}/uplot/SHA256SUMS sums)
foreach(line ${sums})
  string(REGEX MATCH "^([0-9a-f]+) +(.+)$" found "${line}")
  set(wanted ${CMAKE_MATCH_1})
  set(name ${CMAKE_MATCH_2})
  file(SHA256 ${ROOT}/uplot/${name} sum)
  if(NOT sum STREQUAL wanted)
    message(FATAL_ERROR "${ROOT}/uplot/${name}: its checksum is not that of SHA256SUMS: restore the file")
  endif()
endforeach()

set(assets uplot_js=uplot/uPlot.iife.min.js uplot_css=uplot/uPlot.min.css uplot_licence=uplot/LICENSE
    report_js=page/report.js report_css=page/report.css)
set(text "#include \"report/assets.h\"\n")
foreach(asset ${assets})
  string(REPLACE "=" ";" pair ${asset})
  list(GET pair 0 name)
  list(GET pair 1 path)
  file(READ ${ROOT}/${path} bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND text "static const unsigned char ${name}[] = {\n${bytes}\n};\n"
                     "const mg_asset mg_asset_${name} = {(const char *)${name}, sizeof ${name}};\n")
endforeach()
file(WRITE ${OUT} "${text}")
