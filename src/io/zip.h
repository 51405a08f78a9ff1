// zip.h - lists the members of a zip archive, so that mg_input_open_part can read them.
#ifndef MG_IO_ZIP_H
#define MG_IO_ZIP_H

#include "io/input.h"

enum { MG_ZIP_MEMBERS = 256, MG_ZIP_NAME = 256 };

typedef struct mg_zip_member {
    char name[MG_ZIP_NAME];
    mg_input_part part;
} mg_zip_member;

typedef struct mg_zip {
    int count;
    mg_zip_member *members;   // [count]
    mg_input_version version; // of the file
} mg_zip;                     // must be zero before mg_zip_open

// Reads the list of members. Errors: MG_IO; MG_DATA if it is damaged, has more than MG_ZIP_MEMBERS members,
// or if a member is encrypted or packed by another method than deflate.
mg_status mg_zip_open(const char *path, mg_zip *zip, mg_error *error);
void mg_zip_clear(mg_zip *zip);

#endif
