/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text on the GOP framebuffer: status lines at the top, the log below.
 *
 * The log does not scroll, it goes on at the top of its area behind an empty line: scrolling would
 * rewrite the whole screen for each line, which on uncached video memory is slower than the boot
 * itself.
 */
#include "drivers/console/efifb.h"

#include "boot/boot_info.h"
#include "core/kern/status.h"
#include "core/lib/compiler.h"
#include "core/x86/log.h"
#include "efifb_font.h"
#include "mm/hpt.h"

#define GLYPH_WIDTH  8u
#define GLYPH_HEIGHT 16u
#define FIRST_GLYPH  32
#define LAST_GLYPH   126
#define COLUMNS_MIN  40u
#define ROWS_MIN     (STATUS_LINES_MAX + 4)

#define COLOUR_TEXT   0x00c8c8c8u
#define COLOUR_STATUS 0x00ffffffu /* the same in RGB and BGR order */
#define COLOUR_BACK   0x00000000u

struct screen {
    volatile u32 *pixels;
    u32 pitch;
    u32 columns;
    u32 rows;
    u32 row; /* next log character */
    u32 column;
    u32 status_rows; /* (a) the log is below them */
};

static struct screen screen;

/* One line between status and log. */
static u32 log_row(void)
{
    return __atomic_load_n(&screen.status_rows, __ATOMIC_RELAXED) + 1;
}

static void draw(u32 row, u32 column, char c, u32 colour)
{
    const u8 *glyph = font_glyphs[(c < FIRST_GLYPH || c > LAST_GLYPH ? '?' : c) - FIRST_GLYPH];
    volatile u32 *line =
        screen.pixels + (u64)row * GLYPH_HEIGHT * screen.pitch + column * GLYPH_WIDTH;

    for (u32 y = 0; y < GLYPH_HEIGHT; y++) {
        for (u32 x = 0; x < GLYPH_WIDTH; x++)
            line[x] = (glyph[y] & (0x80u >> x)) != 0 ? colour : COLOUR_BACK;
        line += screen.pitch;
    }
}

static void clear_row(u32 row)
{
    volatile u32 *line = screen.pixels + (u64)row * GLYPH_HEIGHT * screen.pitch;

    for (u32 y = 0; y < GLYPH_HEIGHT; y++) {
        for (u32 x = 0; x < screen.columns * GLYPH_WIDTH; x++)
            line[x] = COLOUR_BACK;
        line += screen.pitch;
    }
}

static void new_line(void)
{
    screen.column = 0;
    screen.row = screen.row + 1 == screen.rows ? log_row() : MAX(screen.row + 1, log_row());
    clear_row(screen.row);
    if (screen.row + 1 < screen.rows)
        clear_row(screen.row + 1); /* the gap between newest and oldest */
}

static void write_text(void *cookie, const char *text, size_t bytes)
{
    (void)cookie;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '\n' || screen.column == screen.columns || screen.row < log_row())
            new_line();
        if (text[i] != '\n')
            draw(screen.row, screen.column++, text[i], COLOUR_TEXT);
    }
}

/* A long page takes rows from the log, and leaves them empty when it goes. */
static void show_status(void *cookie, const char *const *lines, unsigned count, unsigned same)
{
    u32 rows = MAX(count, (u32)STATUS_LINES_USUAL), before = screen.status_rows;

    (void)cookie;
    __atomic_store_n(&screen.status_rows, rows, __ATOMIC_RELAXED);
    for (u32 row = count; row < MAX(rows, before) + (rows > before); row++)
        clear_row(row);
    for (u32 row = same; row < count; row++) {
        const char *p = lines[row];

        for (u32 column = 0; column < screen.columns; column++)
            draw(row, column, *p != '\0' ? *p++ : ' ', COLOUR_STATUS);
    }
}

static struct log_sink log_sink = {.write = write_text};
static struct status_sink status_sink = {.show = show_status};

void efifb_console_init(const struct boot_framebuffer *fb)
{
    u64 bytes = (u64)fb->pitch_pixels * fb->height * sizeof(u32);

    if (fb->base == 0 || fb->pitch_pixels < fb->width || fb->width / GLYPH_WIDTH < COLUMNS_MIN ||
        fb->height / GLYPH_HEIGHT < ROWS_MIN)
        return;
    screen.pixels = hpt_map_device(hpa(fb->base), bytes, HPT_WC);
    if (screen.pixels == NULL) {
        log_warn("efifb", "the screen cannot be mapped and stays dark");
        return;
    }
    screen.pitch = fb->pitch_pixels;
    screen.columns = MIN(fb->width / GLYPH_WIDTH, (u32)STATUS_LINE_MAX + 60u);
    screen.rows = fb->height / GLYPH_HEIGHT;
    screen.status_rows = STATUS_LINES_USUAL;
    screen.row = log_row();
    for (u32 row = 0; row < screen.rows; row++)
        clear_row(row);
    log_add_sink(&log_sink);
    status_add_sink(&status_sink);
}
