/* The items of a buffer, in Python's words (PEP 3118) and in those of a schema. */

#include "bridge.h"

#include <stdio.h>
#include <string.h>

/* What a format character stands for. */
static const struct {
  const char *characters;
  gs_kind kind;
} formats[] = {
    {"bhilqn", GS_INT},
    {"BHILQN", GS_UINT},
    {"fd", GS_FLOAT},
    {"?", GS_BOOL},
};

static const char *const words[] = {[GS_BOOL] = "bool", [GS_INT] = "int", [GS_UINT] = "uint", [GS_FLOAT] = "float"};

static void name(char *room, gs_kind kind, int size) {
  if (kind == GS_BOOL) strcpy(room, words[kind]);
  else snprintf(room, GS_ITEM_NAME, "%s%d", words[kind], 8 * size);
}

int gs_item_size(const gs_schema *element) { return element->kind == GS_BOOL ? 1 : element->bits / 8; }

char gs_item_format(const gs_schema *element) {
  /* By the size: 1, 2, 4, 8. */
  static const char *const of[] = {[GS_INT] = "bh.i...q", [GS_UINT] = "BH.I...Q", [GS_FLOAT] = "...f...d", [GS_BOOL] = "?"};
  return of[element->kind][gs_item_size(element) - 1];
}

void gs_item_name(const gs_schema *element, char *room) { name(room, element->kind, gs_item_size(element)); }

/* What the items of a buffer are. */
typedef struct {
  int known;
  gs_kind kind;
  int swapped; /* their bytes are in the order of other machines */
} items;

static items read_format(const Py_buffer *buffer) {
  const char *format = buffer->format == NULL ? "B" : buffer->format;
  items found = {0};
  if (format[0] != '\0' && strchr("@=<>!", format[0]) != NULL) {
    const uint16_t one = 1;
    int is_little = *(const uint8_t *)&one;
    int for_little = format[0] == '<', for_big = format[0] == '>' || format[0] == '!';
    found.swapped = buffer->itemsize > 1 && (is_little ? for_big : for_little);
    format++;
  }
  if (format[0] == '\0' || format[1] != '\0') return found;
  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
    if (strchr(formats[i].characters, format[0]) == NULL) continue;
    found.known = 1;
    found.kind = formats[i].kind;
  }
  return found;
}

int gs_items_fit(const Py_buffer *buffer, const gs_schema *element) {
  items found = read_format(buffer);
  return found.known && !found.swapped && found.kind == element->kind && buffer->itemsize == gs_item_size(element);
}

void gs_items_name(const Py_buffer *buffer, char *room) {
  items found = read_format(buffer);
  if (!found.known) {
    snprintf(room, GS_ITEMS_NAME, "items of the format '%.40s'", buffer->format);
    return;
  }
  char plain[GS_ITEM_NAME];
  name(plain, found.kind, (int)buffer->itemsize);
  snprintf(room, GS_ITEMS_NAME, "%s%s", plain, found.swapped ? " in the byte order of other machines" : "");
}
