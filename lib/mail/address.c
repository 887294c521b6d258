/* Contract in address.h; header lists are in address_list.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <idn2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/mail/address.h"
#include "lib/mail/lex.h"

static void
clear(struct address *out)
{
	out->text[0] = out->local[0] = out->domain[0] = '\0';
	out->literal = out->utf8 = false;
}

/* Printable: no C0 or C1 control, well-formed UTF-8. */
static bool
is_printable(struct slice s)
{
	size_t	 i;

	for (i = 0; i < s.len; i++) {
		if (text_is_control(s.ptr[i]))
			return false;
		if ((unsigned char)s.ptr[i] == 0xc2 && i + 1 < s.len &&
		    (unsigned char)s.ptr[i + 1] < 0xa0)
			return false;
	}
	return text_is_utf8(s);
}

bool
address_is_literal(struct slice s)
{
	static const char	 tag[] = "IPv6:";
	const size_t		 taglen = sizeof(tag) - 1;
	char			 ip[INET6_ADDRSTRLEN];
	unsigned char		 bin[sizeof(struct in6_addr)];
	int			 family = AF_INET;

	if (s.len < 2 || s.ptr[0] != '[' || s.ptr[s.len - 1] != ']')
		return false;
	s.ptr++;
	s.len -= 2;
	if (s.len > taglen && strncasecmp(s.ptr, tag, taglen) == 0) {
		family = AF_INET6;
		s.ptr += taglen;
		s.len -= taglen;
	}
	if (s.len >= sizeof(ip) || memchr(s.ptr, '\0', s.len) != NULL)
		return false;
	memcpy(ip, s.ptr, s.len);
	ip[s.len] = '\0';
	return inet_pton(family, ip, bin) == 1;
}

static bool
is_label(struct slice s)
{
	size_t	 i;

	if (s.len == 0 || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
		return false;
	for (i = 0; i < s.len; i++)
		if (!text_is_alnum(s.ptr[i]) && s.ptr[i] != '-' &&
		    s.ptr[i] != '_' && (unsigned char)s.ptr[i] < 0x80)
			return false;
	return s.len <= 63 || !text_is_ascii(s);
}

/* Cut the label before the next dot off *s.  False when none is left. */
static bool
next_label(struct slice *s, struct slice *label)
{
	const char	*dot;

	if (s->ptr == NULL)
		return false;
	*label = *s;
	dot = s->len > 0 ? memchr(s->ptr, '.', s->len) : NULL;
	if (dot == NULL) {
		s->ptr = NULL;
		return true;
	}
	label->len = (size_t)(dot - s->ptr);
	s->ptr = dot + 1;
	s->len -= label->len + 1;
	return true;
}

/*
 * Did each U-label, and nothing else, become an A-label?  The mapping that
 * precedes the conversion also turns wide letters and ideographic full stops
 * into ASCII; such a name would be one domain to us and another to DNS.
 */
static bool
same_labels(struct slice u, struct slice a)
{
	struct slice	 ul, al;

	while (next_label(&u, &ul)) {
		if (!next_label(&a, &al))
			return false;
		if (!text_is_ascii(ul) &&
		    (al.len < 4 || strncmp(al.ptr, "xn--", 4) != 0))
			return false;
	}
	return !next_label(&a, &al);
}

int
address_domain_ascii(const char *domain, char out[ADDRESS_DOMAIN_MAX + 1])
{
	struct slice	 s = slice_str(domain);
	uint8_t		*ascii = NULL;
	size_t		 len;
	int		 r = -1;

	if (s.len == 0 || s.len > ADDRESS_DOMAIN_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (text_is_ascii(s)) {
		memcpy(out, domain, s.len + 1);
		text_lower_str(out);
		return 0;
	}
	if (idn2_lookup_u8((const uint8_t *)domain, &ascii,
	    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK) {
		len = strlen((const char *)ascii);
		if (len <= ADDRESS_DOMAIN_MAX &&
		    same_labels(s, slice_str((const char *)ascii))) {
			memcpy(out, ascii, len + 1);
			text_lower_str(out);
			r = 0;
		}
	}
	idn2_free(ascii);
	if (r == -1)
		errno = EINVAL;
	return r;
}

bool
address_to_ascii(const char *text, char out[ADDRESS_MAX + 1])
{
	const char	*at = strrchr(text, '@');
	size_t		 local = at == NULL ? strlen(text) :
			    (size_t)(at + 1 - text);
	char		 domain[ADDRESS_DOMAIN_MAX + 1];

	snprintf(out, ADDRESS_MAX + 1, "%s", text);
	if (!text_is_ascii((struct slice){ text, local }))
		return false;
	if (at != NULL && local <= ADDRESS_MAX - ADDRESS_DOMAIN_MAX &&
	    address_domain_ascii(at + 1, domain) == 0)
		memcpy(out + local, domain, strlen(domain) + 1);
	return text_is_ascii(slice_str(out));
}

bool
address_is_domain(struct slice s, bool utf8)
{
	struct slice	 rest = s, label;
	char		 name[ADDRESS_DOMAIN_MAX + 1];
	char		 ascii[ADDRESS_DOMAIN_MAX + 1];

	if (s.len == 0 || s.len > ADDRESS_DOMAIN_MAX)
		return false;
	if (s.ptr[0] == '[')
		return address_is_literal(s);
	while (next_label(&rest, &label))
		if (!is_label(label))
			return false;
	if (text_is_ascii(s))
		return true;
	if (!utf8 || !is_printable(s))
		return false;
	memcpy(name, s.ptr, s.len);
	name[s.len] = '\0';
	return address_domain_ascii(name, ascii) == 0;
}

int
address_make(const char *local, const char *domain, struct address *out)
{
	struct slice	 l = slice_str(local), d = slice_str(domain);
	char		*p = out->text;
	bool		 quote;
	size_t		 i;

	clear(out);
	if (l.len > ADDRESS_LOCAL_MAX || d.len > ADDRESS_DOMAIN_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (l.len == 0 && d.len == 0)
		return 0;
	if (l.len == 0) {
		errno = EINVAL;
		return -1;
	}
	memcpy(out->local, local, l.len + 1);
	memcpy(out->domain, domain, d.len + 1);
	text_lower_str(out->domain);
	out->literal = d.len > 0 && d.ptr[0] == '[';
	out->utf8 = !text_is_ascii(l) || !text_is_ascii(d);

	quote = !lex_is_dot_atom(l);
	if (quote)
		*p++ = '"';
	for (i = 0; i < l.len; i++) {
		if (quote && (l.ptr[i] == '"' || l.ptr[i] == '\\'))
			*p++ = '\\';
		*p++ = l.ptr[i];
	}
	if (quote)
		*p++ = '"';
	if (d.len > 0)
		*p++ = '@';
	memcpy(p, out->domain, d.len + 1);
	return 0;
}

enum address_status
address_check(struct slice local, struct slice domain, int flags,
    struct address *out)
{
	char	 l[ADDRESS_LOCAL_MAX + 1], d[ADDRESS_DOMAIN_MAX + 1];

	clear(out);
	if (local.len > ADDRESS_LOCAL_MAX || domain.len > ADDRESS_DOMAIN_MAX)
		return ADDRESS_LONG;
	if (local.len == 0 || !is_printable(local))
		return ADDRESS_SYNTAX;
	if (domain.len > 0) {
		if (!address_is_domain(domain, true))
			return ADDRESS_SYNTAX;
	} else if ((flags & ADDRESS_LENIENT) == 0 &&
	    ((flags & ADDRESS_POSTMASTER) == 0 ||
	    !slice_is(local, "postmaster")))
		return ADDRESS_SYNTAX;
	if ((flags & ADDRESS_UTF8) == 0 &&
	    (!text_is_ascii(local) || !text_is_ascii(domain)))
		return ADDRESS_NEEDS_UTF8;

	memcpy(l, local.ptr, local.len);
	l[local.len] = '\0';
	if (domain.len > 0)
		memcpy(d, domain.ptr, domain.len);
	d[domain.len] = '\0';
	/* Cannot fail: both lengths were checked. */
	(void)address_make(l, d, out);
	return ADDRESS_OK;
}

/* RFC 5321 4.1.2 Quoted-string: no folds, no controls, unlike RFC 5322. */
static enum address_status
scan_quoted(struct slice s, size_t *pos, char *out, size_t *len)
{
	size_t	 i;
	char	 c;

	for (i = *pos + 1; i < s.len; i++) {
		c = s.ptr[i];
		if (c == '"') {
			*pos = i + 1;
			return ADDRESS_OK;
		}
		if (c == '\\' && ++i < s.len)
			c = s.ptr[i];
		if (text_is_control(c))
			return ADDRESS_SYNTAX;
		if (*len == ADDRESS_LOCAL_MAX)
			return ADDRESS_LONG;
		out[(*len)++] = c;
	}
	return ADDRESS_SYNTAX;
}

static enum address_status
scan_local(struct slice s, size_t *pos, char *out, size_t *len)
{
	struct slice	 run;
	size_t		 i;

	*len = 0;
	if (*pos < s.len && s.ptr[*pos] == '"')
		return scan_quoted(s, pos, out, len);
	for (i = *pos; i < s.len; i++)
		if (s.ptr[i] != '.' && !lex_is_atext(s.ptr[i]))
			break;
	run.ptr = s.ptr + *pos;
	run.len = i - *pos;
	if (!lex_is_dot_atom(run))
		return ADDRESS_SYNTAX;
	if (run.len > ADDRESS_LOCAL_MAX)
		return ADDRESS_LONG;
	memcpy(out, run.ptr, run.len);
	*len = run.len;
	*pos = i;
	return ADDRESS_OK;
}

static struct slice
scan_domain(struct slice s, size_t *pos)
{
	struct slice	 d = { s.ptr + *pos, 0 };
	size_t		 i = *pos;

	if (i < s.len && s.ptr[i] == '[') {
		while (i < s.len && s.ptr[i] != ']')
			i++;
		if (i < s.len)
			i++;
	} else {
		while (i < s.len && (text_is_alnum(s.ptr[i]) ||
		    (unsigned char)s.ptr[i] >= 0x80 ||
		    (s.ptr[i] != '\0' && strchr(".-_", s.ptr[i]) != NULL)))
			i++;
	}
	d.len = i - *pos;
	*pos = i;
	return d;
}

static enum address_status
scan_mailbox(struct slice s, size_t *pos, int flags, struct address *out)
{
	struct slice		 local, domain = { "", 0 };
	char			 buf[ADDRESS_LOCAL_MAX];
	enum address_status	 st;

	local.ptr = buf;
	if ((st = scan_local(s, pos, buf, &local.len)) != ADDRESS_OK)
		return st;
	if (*pos < s.len && s.ptr[*pos] == '@') {
		++*pos;
		domain = scan_domain(s, pos);
		if (domain.len == 0)
			return ADDRESS_SYNTAX;
	}
	return address_check(local, domain, flags, out);
}

/* RFC 5321 4.1.1.2: "@a,@b:" before the mailbox is checked and ignored. */
static bool
skip_route(struct slice s, size_t *pos)
{
	size_t	 i = *pos;

	if (i == s.len || s.ptr[i] != '@')
		return true;
	for (;;) {
		i++;
		if (!address_is_domain(scan_domain(s, &i), true))
			return false;
		if (i < s.len && s.ptr[i] == ':')
			break;
		if (i + 1 >= s.len || s.ptr[i] != ',' || s.ptr[i + 1] != '@')
			return false;
		i++;
	}
	*pos = i + 1;
	return true;
}

enum address_status
address_parse_path(struct slice s, int flags, struct address *out,
    size_t *used)
{
	enum address_status	 st;
	size_t			 i = 0;
	bool			 angle;

	clear(out);
	if ((flags & ADDRESS_LENIENT) != 0)
		while (i < s.len && s.ptr[i] == ' ')
			i++;
	angle = i < s.len && s.ptr[i] == '<';
	if (!angle && (flags & ADDRESS_LENIENT) == 0)
		return ADDRESS_SYNTAX;
	if (angle) {
		i++;
		if (i < s.len && s.ptr[i] == '>') {
			if ((flags & ADDRESS_NULL) == 0)
				return ADDRESS_SYNTAX;
			*used = i + 1;
			return ADDRESS_OK;
		}
		if (!skip_route(s, &i))
			return ADDRESS_SYNTAX;
	}
	if ((st = scan_mailbox(s, &i, flags, out)) != ADDRESS_OK)
		return st;
	if (angle && (i == s.len || s.ptr[i++] != '>')) {
		clear(out);
		return ADDRESS_SYNTAX;
	}
	*used = i;
	return ADDRESS_OK;
}

enum address_status
address_parse(struct slice s, int flags, struct address *out)
{
	enum address_status	 st;
	size_t			 used = 0;

	clear(out);
	if (s.len == 0)
		return (flags & ADDRESS_NULL) != 0 ? ADDRESS_OK :
		    ADDRESS_SYNTAX;
	if ((flags & ADDRESS_LENIENT) != 0)
		st = address_parse_path(s, flags, out, &used);
	else
		st = scan_mailbox(s, &used, flags, out);
	if (st == ADDRESS_OK && used != s.len) {
		clear(out);
		st = ADDRESS_SYNTAX;
	}
	return st;
}
