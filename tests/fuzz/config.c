// config.c - targets for configurations: if one is accepted, the file that is printed from it must have the
// same values.
#include "fuzz.h"

#include "base/memory.h"
#include "config/config.h"

#include <string.h>

static const char *print(const mg_settings *settings, mg_writer *writer) {
    mg_settings_write(settings, writer);
    fuzz_check(!writer->status, "settings print");
    return writer->text;
}

static void begin(mg_config *config, mg_settings *settings) {
    int count;
    mg_error error;
    const mg_binding *bindings = mg_config_bindings(&count);
    memset(config, 0, sizeof *config);
    fuzz_check(!mg_settings_create(settings, bindings, count, config, &error), "settings begin");
}

static void check_round_trip(const mg_settings *settings) {
    mg_config again;
    mg_settings second;
    mg_writer writers[2] = {{0}};
    mg_error error = {0};
    begin(&again, &second);
    const char *text = print(settings, &writers[0]);
    fuzz_check(!mg_settings_read(&second, "printed", text, strlen(text), &error), error.text);
    fuzz_check(!strcmp(text, print(&second, &writers[1])), "printed, read and printed again is the same");
    mg_settings_destroy(&second);
    for (int i = 0; i < 2; i++) mg_writer_clear(&writers[i]);
}

static void judge(mg_settings *settings, mg_status status, mg_error *error) {
    if (!status) check_round_trip(settings);
    if (!status) status = mg_settings_check(settings, error);
    if (status) fuzz_refusal(status, error);
    mg_settings_destroy(settings);
}

int fuzz_config(const uint8_t *bytes, size_t size) {
    mg_config config;
    mg_settings settings;
    mg_error error = {0};
    begin(&config, &settings);
    mg_status status = mg_settings_read(&settings, "x.yaml", (const char *)bytes, size, &error);
    judge(&settings, status, &error);
    return 0;
}

int fuzz_set(const uint8_t *bytes, size_t size) {
    mg_config config;
    mg_settings settings;
    mg_error error = {0};
    char *text;
    begin(&config, &settings);
    fuzz_check(!mg_memory_zeroed(&text, size + 1, 1, &error), "there is memory for a text");
    if (size) memcpy(text, bytes, size);
    mg_status status = mg_settings_set(&settings, text, &error);
    judge(&settings, status, &error);
    mg_memory_free(text);
    return 0;
}
