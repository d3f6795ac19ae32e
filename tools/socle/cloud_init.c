/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of keys and user data, as texts of a definition. */
#include "tools/socle/cloud_init.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "tools/socle/cli.h"
#include "tools/socle/mem.h"
#include "tools/socle/vm_options.h"

#define TEXT_MAX 65536u

/* The length of the name of its type in base64, which every key begins with. */
#define KEY_BEGIN " AAAA"

/* Return: false after telling what is wrong; *text is the caller's to free either way. */
static bool read_file(const char *path, struct buffer *text)
{
    FILE *file = fopen(path, "rb");
    char piece[4096];
    size_t len;

    buffer_add(text, "", 0);
    while (file && text->len <= TEXT_MAX && (len = fread(piece, 1, sizeof(piece), file)) > 0)
        buffer_add(text, piece, len);
    if (!file || ferror(file))
        (void)say(MISUSED, "%s cannot be read.", path);
    else if (text->len > TEXT_MAX)
        (void)say(MISUSED, "%s is larger than 64 KiB.", path);
    else if (fclose(file) == 0)
        return true;
    else
        return false;
    if (file)
        (void)fclose(file);
    return false;
}

static bool add_text(const char *path, const char *member, json_t *vm)
{
    struct buffer text = {0};
    bool is_read = read_file(path, &text);
    json_t *value = is_read ? json_stringn(text.data, text.len) : NULL;

    free(text.data);
    if (is_read && !value)
        (void)say(MISUSED, "%s is no text in UTF-8.", path);
    if (value)
        json_object_set_new(vm_options_group(vm, "cloud_init"), member, value);
    return value != NULL;
}

/* A line of an authorized_keys file as an item of YAML, of which JSON's strings are a part. Return:
 * false: it is none. */
static bool add_key(struct buffer *meta, const char *line, size_t len)
{
    const char *blob = strstr(line, KEY_BEGIN);
    json_t *key = blob && blob < line + len ? json_stringn(line, len) : NULL;
    char *item = key ? json_dumps(key, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;

    json_decref(key);
    if (item)
        buffer_print(meta, "  - %s\n", item);
    free(item);
    return item != NULL;
}

static bool add_keys(const char *path, struct buffer *meta)
{
    struct buffer text = {0};
    bool is_good = read_file(path, &text);
    u32 count = 0;

    for (char *line = text.data; is_good && line && *line;) {
        size_t len = strcspn(line, "\r\n");

        if (len > 0 && line[0] != '#') {
            is_good = add_key(meta, line, len);
            count++;
        }
        line += len + strspn(line + len, "\r\n");
    }
    if (text.len > 0 && (!is_good || count == 0))
        (void)say(MISUSED, "%s has no public keys, one in each line, as files \"*.pub\" have.",
                  path);
    free(text.data);
    return is_good && count > 0;
}

/* Version 4, of RFC 9562. Return: the VM's UUID; NULL: there are no random numbers. */
static const char *take_uuid(json_t *vm)
{
    unsigned char b[16];
    char text[37];

    if (json_is_string(json_object_get(vm, "uuid")))
        return json_string_value(json_object_get(vm, "uuid"));
    if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
        return NULL;
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(text, sizeof(text),
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    json_object_set_new(vm, "uuid", json_string(text));
    return json_string_value(json_object_get(vm, "uuid"));
}

static bool add_meta_data(const struct args *args, const char *name, json_t *vm)
{
    json_t *group = vm_options_group(vm, "cloud_init");
    const char *uuid = take_uuid(vm);
    struct buffer meta = {0};
    bool is_good = uuid != NULL;
    const char *path;
    size_t at = 0;

    if (json_object_get(group, "meta_data")) {
        (void)say(MISUSED, "the definition has meta_data of its own: put the keys there.");
        return false;
    }
    buffer_print(&meta, "instance-id: %s\nlocal-hostname: %s\npublic-keys:\n", uuid ? uuid : "",
                 name);
    while (is_good && (path = args_next(args, "ssh-key", &at)) != NULL)
        is_good = add_keys(path, &meta);
    if (is_good)
        json_object_set_new(group, "meta_data", json_string(meta.data));
    free(meta.data);
    return is_good;
}

bool cloud_init_apply(const struct args *args, const char *name, json_t *vm)
{
    static const struct {
        const char *option, *member;
    } texts[] = {{"user-data", "user_data"}, {"network-config", "network_config"}};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *path = args_option(args, texts[i].option);

        if (path && !add_text(path, texts[i].member, vm))
            return false;
    }
    return !args_has(args, "ssh-key") || add_meta_data(args, name, vm);
}
