/*
 * GETMETADATA and SETMETADATA (RFC 5464).  One user, so what is shared is seen
 * by nobody else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imap-session/command.h"
#include "lib/base/text.h"
#include "lib/mail/mailbox_name.h"
#include "lib/store/tree.h"

#define ENTRIES		100
#define ENTRY_MAX	200
#define VALUE_MAX	16384

struct metadata {
	struct session	*s;
	struct buf	 mailbox;	/* "" is the account */
	struct buf	 entry[ENTRIES];	/* lower case */
	struct slice	 value[ENTRIES];	/* of SET; ptr NULL removes */
	size_t		 n;
	uint64_t	 max;		/* MAXSIZE */
	unsigned int	 depth;		/* 0, 1, UINT_MAX: infinity */
	uint64_t	 longest;	/* that MAXSIZE kept back */
	bool		 any;		/* something was put */
};

static void
metadata_init(struct metadata *m, struct session *s)
{
	memset(m, 0, sizeof(*m));
	m->s = s;
	m->max = UINT64_MAX;
	buf_init(&m->mailbox, MAILBOX_NAME_MAX);
}

static void
metadata_free(struct metadata *m)
{
	size_t	 i;

	for (i = 0; i < m->n; i++)
		buf_free(&m->entry[i]);
	buf_free(&m->mailbox);
}

/* A mailbox, or "" for the account. */
static bool
metadata_mailbox(struct metadata *m)
{
	struct imap_lex	*lex = &m->s->lex;

	if (imap_lex_peek(lex) == '"' && lex->end - lex->p >= 2 &&
	    lex->p[1] == '"')
		return imap_lex_accept(lex, '"') && imap_lex_accept(lex, '"');
	return command_mailbox(m->s, &m->mailbox);
}

/* RFC 5464 3: "/private/..." or "/shared/...", no wildcards, no "//". */
static bool
is_entry(struct slice e)
{
	size_t	 i;

	if (e.len > ENTRY_MAX || e.ptr[e.len - 1] == '/' ||
	    (strncasecmp(e.ptr, "/private/", 9) != 0 &&
	    strncasecmp(e.ptr, "/shared/", 8) != 0))
		return false;
	for (i = 0; i < e.len; i++)
		if (e.ptr[i] == '*' || e.ptr[i] == '%' || e.ptr[i] == ' ' ||
		    text_is_control(e.ptr[i]) ||
		    (unsigned char)e.ptr[i] >= 0x80 ||
		    (e.ptr[i] == '/' && e.ptr[i + 1] == '/'))
			return false;
	return true;
}

static bool
metadata_entry(struct metadata *m)
{
	struct slice	 word;
	struct buf	*e;
	char		 text[ENTRY_MAX + 2];

	if (!imap_lex_astring(&m->s->lex, &word))
		return false;
	if (word.len > 0 && word.len <= ENTRY_MAX) {
		memcpy(text, word.ptr, word.len);
		text[word.len] = '\0';
		text_lower_str(text);
		word.ptr = text;
	}
	if (word.len < 9 || !is_entry(word))
		return imap_lex_fail(&m->s->lex, "No name of an entry");
	if (m->n == ENTRIES)
		return imap_lex_refuse(&m->s->lex,
		    "[METADATA TOOMANY] Too many entries");
	e = &m->entry[m->n++];
	buf_init(e, ENTRY_MAX);
	return buf_add(e, word.ptr, word.len) == 0;
}

/* --- GETMETADATA ---------------------------------------------------------- */

/* (DEPTH 1 MAXSIZE 1024) */
static bool
get_options(struct metadata *m)
{
	struct imap_lex	*lex = &m->s->lex;

	do {
		if (imap_lex_keyword(lex, "MAXSIZE")) {
			if (!imap_lex_space(lex) ||
			    !imap_lex_number64(lex, &m->max))
				return false;
			continue;
		}
		if (!imap_lex_keyword(lex, "DEPTH"))
			return imap_lex_fail(lex,
			    "Unknown option of GETMETADATA");
		if (!imap_lex_space(lex))
			return false;
		if (imap_lex_keyword(lex, "infinity"))
			m->depth = UINT32_MAX;
		else if (imap_lex_keyword(lex, "1"))
			m->depth = 1;
		else if (imap_lex_keyword(lex, "0"))
			m->depth = 0;
		else
			return imap_lex_fail(lex,
			    "DEPTH is 0, 1 or infinity");
	} while (imap_lex_accept(lex, ' '));
	return imap_lex_expect(lex, ')') && imap_lex_space(lex);
}

static bool
get_entries(struct metadata *m)
{
	struct imap_lex	*lex = &m->s->lex;

	if (!imap_lex_accept(lex, '('))
		return metadata_entry(m);
	do
		if (!metadata_entry(m))
			return false;
	while (imap_lex_accept(lex, ' '));
	return imap_lex_expect(lex, ')');
}

static bool
get_words(struct metadata *m)
{
	struct imap_lex	*lex = &m->s->lex;

	/* Options stand in front; some clients put them after the mailbox. */
	return imap_lex_space(lex) &&
	    (!imap_lex_accept(lex, '(') || get_options(m)) &&
	    metadata_mailbox(m) && imap_lex_space(lex) &&
	    get_entries(m) && imap_lex_end(lex);
}

static bool
is_asked(const struct metadata *m, struct slice entry)
{
	const struct buf	*e;
	const char		*rest;
	size_t			 i;

	for (i = 0; i < m->n; i++) {
		e = &m->entry[i];
		if (entry.len < e->len ||
		    memcmp(entry.ptr, e->ptr, e->len) != 0)
			continue;
		if (entry.len == e->len)
			return true;
		rest = entry.ptr + e->len;
		if (*rest != '/' || m->depth == 0)
			continue;
		if (m->depth > 1 || memchr(rest + 1, '/',
		    entry.len - e->len - 1) == NULL)
			return true;
	}
	return false;
}

static void
put_entry(struct metadata *m, struct slice entry, struct slice value)
{
	if (value.ptr != NULL && value.len > m->max) {
		if (value.len > m->longest)
			m->longest = value.len;
		return;
	}
	if (m->any)
		stream_printf(&m->s->s, " ");
	else {
		stream_printf(&m->s->s, "* METADATA ");
		if (m->mailbox.len == 0)
			stream_printf(&m->s->s, "\"\"");
		else
			put_mailbox(m->s, buf_slice(&m->mailbox));
		stream_printf(&m->s->s, " (");
	}
	m->any = true;
	stream_put(&m->s->s, entry.ptr, entry.len);
	stream_printf(&m->s->s, " ");
	put_nstring(m->s, value);
}

static int
get_one(struct slice entry, struct slice value, void *arg)
{
	struct metadata	*m = arg;

	if (is_asked(m, entry))
		put_entry(m, entry, value.ptr == NULL ?
		    SLICE_LIT("") : value);
	return 0;
}

/* What was asked for by name and is not there is NIL. */
static void
get_missing(struct metadata *m)
{
	struct buf	 value;
	size_t		 i;

	if (m->depth != 0)
		return;
	buf_init(&value, VALUE_MAX);
	for (i = 0; i < m->n; i++) {
		buf_clear(&value);
		if (tree_metadata_get(&m->s->account, buf_slice(&m->mailbox),
		    buf_slice(&m->entry[i]), &value) == 0)
			put_entry(m, buf_slice(&m->entry[i]),
			    (struct slice){ NULL, 0 });
	}
	buf_free(&value);
}

enum command_end
cmd_getmetadata(struct session *s, bool uid)
{
	enum command_end	 end = COMMAND_OK;
	struct metadata		 m;

	(void)uid;
	metadata_init(&m, s);
	if (!get_words(&m))
		end = COMMAND_LEX;
	else if (tree_metadata_list(&s->account, buf_slice(&m.mailbox),
	    get_one, &m) == -1)
		end = command_failed(s, "GETMETADATA");
	else {
		get_missing(&m);
		if (m.any)
			stream_printf(&s->s, ")\r\n");
		if (m.longest > 0)
			command_answer(s, COMMAND_OK, "[METADATA LONGENTRIES "
			    "%llu] GETMETADATA completed",
			    (unsigned long long)m.longest);
	}
	metadata_free(&m);
	return end;
}

/* --- SETMETADATA ---------------------------------------------------------- */

static bool
set_words(struct metadata *m)
{
	struct imap_lex	*lex = &m->s->lex;
	struct slice	 value;
	bool		 large = false;

	if (!imap_lex_space(lex) || !metadata_mailbox(m) ||
	    !imap_lex_space(lex) || !imap_lex_expect(lex, '('))
		return false;
	lex->binary = true;		/* literal8 is a value, too */
	do {
		if (!metadata_entry(m) || !imap_lex_space(lex) ||
		    !imap_lex_nstring(lex, &value))
			break;
		m->value[m->n - 1] = value;
		large |= value.ptr != NULL && value.len > VALUE_MAX;
	} while (imap_lex_accept(lex, ' '));
	lex->binary = false;
	if (!imap_lex_expect(lex, ')') || !imap_lex_end(lex))
		return false;
	if (large)
		return imap_lex_refuse(lex,
		    "[METADATA MAXSIZE 16384] The value is too long");
	return true;
}

static enum command_end
set_failed(struct session *s)
{
	if (errno == ENOSPC)
		return command_answer(s, COMMAND_NO,
		    "[METADATA TOOMANY] No room for more entries");
	return command_failed(s, "SETMETADATA");
}

enum command_end
cmd_setmetadata(struct session *s, bool uid)
{
	enum command_end	 end = COMMAND_OK;
	struct metadata		 m;
	size_t			 i;

	(void)uid;
	metadata_init(&m, s);
	if (!set_words(&m))
		end = COMMAND_LEX;
	for (i = 0; i < m.n && end == COMMAND_OK; i++)
		if (tree_metadata_set(&s->account, buf_slice(&m.mailbox),
		    buf_slice(&m.entry[i]), m.value[i]) == -1)
			end = set_failed(s);
	metadata_free(&m);
	return end;
}
