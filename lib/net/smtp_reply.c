/* Contract in smtp_reply.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "lib/base/text.h"
#include "lib/net/smtp_reply.h"

void
smtp_reply_init(struct smtp_reply *r)
{
	r->code = 0;
	r->enhanced[0] = r->text[0] = '\0';
}

/* Octets of an enhanced code at the start of s, RFC 3463 2; 0 when none. */
static size_t
enhanced_len(struct slice s)
{
	size_t	 i = 0, part, digits;

	for (part = 0; part < 3; part++) {
		for (digits = 0; i < s.len && text_is_digit(s.ptr[i]); i++)
			digits++;
		if (digits == 0 || digits > 3 || (part == 0 && digits != 1))
			return 0;
		if (part < 2 && (i == s.len || s.ptr[i++] != '.'))
			return 0;
	}
	return i == s.len || s.ptr[i] == ' ' ? i : 0;
}

static void
add_text(struct smtp_reply *r, struct slice s)
{
	size_t	 n = strlen(r->text), i;

	if (n > 0 && s.len > 0 && n + 1 < sizeof(r->text))
		r->text[n++] = ' ';
	for (i = 0; i < s.len && n + 1 < sizeof(r->text); i++)
		r->text[n++] = text_is_control(s.ptr[i]) ? '?' : s.ptr[i];
	r->text[n] = '\0';
}

enum smtp_reply_status
smtp_reply_add(struct smtp_reply *r, struct slice line)
{
	uint64_t	 code;
	size_t		 n;
	bool		 more;

	if (line.len < 3 || line.ptr[0] < '2' || line.ptr[0] > '5' ||
	    text_u64((struct slice){ line.ptr, 3 }, 599, &code) == -1)
		return SMTP_REPLY_BAD;
	if (r->code != 0 && r->code != (int)code)
		return SMTP_REPLY_BAD;
	if (line.len > 3 && line.ptr[3] != ' ' && line.ptr[3] != '-')
		return SMTP_REPLY_BAD;
	more = line.len > 3 && line.ptr[3] == '-';
	line.ptr += line.len > 3 ? 4 : 3;
	line.len -= line.len > 3 ? 4 : 3;

	n = enhanced_len(line);
	if (n > 0 && n < sizeof(r->enhanced)) {
		if (r->code == 0) {
			memcpy(r->enhanced, line.ptr, n);
			r->enhanced[n] = '\0';
		}
		line.ptr += n;
		line.len -= n;
	}
	r->code = (int)code;
	add_text(r, text_trim(line));
	return more ? SMTP_REPLY_MORE : SMTP_REPLY_DONE;
}

void
smtp_reply_set(struct smtp_reply *r, int code, const char *enhanced,
    const char *fmt, ...)
{
	char	 text[SMTP_REPLY_TEXT];
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->code = code;
	strlcpy(r->enhanced, enhanced, sizeof(r->enhanced));
	r->text[0] = '\0';
	add_text(r, slice_str(text));
}

const char *
smtp_reply_enhanced(const struct smtp_reply *r)
{
	if (r->enhanced[0] - '0' == r->code / 100)
		return r->enhanced;
	switch (r->code / 100) {
	case 2:
		return "2.0.0";
	case 4:
		return "4.0.0";
	default:
		return "5.0.0";
	}
}
