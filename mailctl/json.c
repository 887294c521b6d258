/* Contract in json.h. */
#include <inttypes.h>
#include <string.h>
#include <unistr.h>

#include "lib/base/text.h"
#include "mailctl/json.h"

void
json_init(struct json *j, FILE *f)
{
	j->f = f;
	j->comma = false;
}

static void
put_text(struct json *j, const char *s)
{
	const uint8_t	*p = (const uint8_t *)s;
	size_t		 left = strlen(s);
	ucs4_t		 c;
	int		 n;

	putc('"', j->f);
	while (left > 0) {
		n = u8_mbtoucr(&c, p, left);
		if (n <= 0) {
			fputs("\\ufffd", j->f);
			n = 1;
		} else if (c == '"' || c == '\\')
			fprintf(j->f, "\\%c", (int)c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(j->f, "\\u%04x", (unsigned int)c);
		else
			fwrite(p, 1, (size_t)n, j->f);
		p += n;
		left -= (size_t)n;
	}
	putc('"', j->f);
}

static void
put_key(struct json *j, const char *key)
{
	if (j->comma)
		putc(',', j->f);
	j->comma = true;
	if (key == NULL)
		return;
	put_text(j, key);
	putc(':', j->f);
}

void
json_open(struct json *j, const char *key, char bracket)
{
	put_key(j, key);
	putc(bracket, j->f);
	j->comma = false;
}

void
json_close(struct json *j, char bracket)
{
	putc(bracket, j->f);
	j->comma = true;
}

void
json_line(struct json *j)
{
	putc('\n', j->f);
	j->comma = false;
}

void
json_list_begin(struct json *j, bool wanted)
{
	json_init(j, stdout);
	if (wanted)
		json_open(j, NULL, '[');
}

void
json_list_end(struct json *j, bool wanted)
{
	if (!wanted)
		return;
	json_close(j, ']');
	json_line(j);
}

void
json_string(struct json *j, const char *key, const char *value)
{
	put_key(j, key);
	if (value == NULL)
		fputs("null", j->f);
	else
		put_text(j, value);
}

void
json_number(struct json *j, const char *key, int64_t value)
{
	put_key(j, key);
	fprintf(j->f, "%" PRId64, value);
}

void
json_unsigned(struct json *j, const char *key, uint64_t value)
{
	put_key(j, key);
	fprintf(j->f, "%" PRIu64, value);
}

void
json_bool(struct json *j, const char *key, bool value)
{
	put_key(j, key);
	fputs(value ? "true" : "false", j->f);
}
