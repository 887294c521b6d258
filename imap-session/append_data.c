/*
 * Contract in append_data.h.  What will not be taken is refused before the
 * client is told to send it.
 */
#include <errno.h>
#include <string.h>

#include "imap-session/append_data.h"
#include "imap-session/fetch_section.h"
#include "imap-session/imap_url.h"
#include "lib/base/text.h"
#include "lib/mail/mailbox_name.h"

/* COMMAND_LEX: the lexer has the error. */
static bool
refuse(struct append *a, const char *text)
{
	a->end = COMMAND_LEX;
	return imap_lex_refuse(&a->s->lex, text);
}

static bool
lex_failed(struct append *a)
{
	a->end = COMMAND_LEX;
	return false;
}

static bool
store_failed(struct append *a)
{
	a->end = command_failed(a->s, a->what);
	return false;
}

/* May so many octets be added to this message?  RFC 7889, RFC 9208. */
static bool
fits(struct append *a, uint64_t octets)
{
	if (octets > a->s->conf->message_size ||
	    a->message + octets > a->s->conf->message_size)
		return refuse(a, "[TOOBIG] The message is larger than this "
		    "server takes");
	if (account_quota_room(&a->s->account, a->octets + a->message +
	    octets, a->count + 1) == 0)
		return refuse(a, "[OVERQUOTA] The mailbox would be larger "
		    "than allowed");
	return true;
}

/* Whatever becomes of them, the octets are taken from the stream. */
static bool
copy(struct append *a, uint64_t left, bool *nul, int *error)
{
	struct imap_lex		*l = &a->s->lex;
	struct slice		 d;

	*nul = false;
	*error = 0;
	while (left > 0) {
		l->status = stream_peek(&a->s->s, &d);
		if (l->status != STREAM_OK)
			return imap_lex_fail(l, "Connection lost");
		if (d.len > left)
			d.len = (size_t)left;
		if (!*nul && memchr(d.ptr, '\0', d.len) != NULL)
			*nul = true;
		if (*error == 0 && !*nul &&
		    folder_append_data(a->to, d.ptr, d.len) == -1)
			*error = errno;
		stream_consume(&a->s->s, d.len);
		left -= d.len;
	}
	return true;
}

/*
 * A literal of the message.  NULs are refused, also in a literal8: a mailbox
 * keeps what can be sent as it is (RFC 3516 4.4).
 */
static bool
take_literal(struct append *a, bool must_be_binary, bool may_be_empty)
{
	struct imap_lex	*l = &a->s->lex;
	uint64_t	 octets;
	bool		 binary, nul;
	int		 error;

	if (!imap_lex_literal(l, &binary))
		return lex_failed(a);
	if (must_be_binary && !binary) {
		a->end = COMMAND_LEX;
		return imap_lex_fail(l, "\"~{\" expected");
	}
	if (l->octets == 0 && !may_be_empty)
		return refuse(a, "[CANNOT] A message cannot be empty");
	if (!fits(a, l->octets))
		return false;
	octets = l->octets;
	if (!imap_lex_literal_go(l) || !copy(a, octets, &nul, &error))
		return lex_failed(a);
	if (!imap_lex_literal_done(l))
		return lex_failed(a);
	if (nul && binary)
		return refuse(a, "[UNKNOWN-CTE] NULs cannot be kept, encode "
		    "them");
	if (nul) {
		a->end = COMMAND_LEX;
		return imap_lex_fail(l, "NUL in a literal");
	}
	if (error != 0) {
		errno = error;
		return store_failed(a);
	}
	a->message += octets;
	return true;
}

/* --- URLs of CATENATE ---------------------------------------------------------- */

/* The response code repeats the URL (RFC 4469 5), as far as it can. */
static bool
bad_url(struct append *a, struct slice url)
{
	struct buf	 text;
	size_t		 i;
	char		 c;

	buf_init(&text, IMAP_URL_MAX);
	for (i = 0; i < url.len && i < IMAP_URL_MAX - 1; i++) {
		c = url.ptr[i];
		if (text_is_control(c) || (unsigned char)c > 0x7e ||
		    c == '"' || c == '\\' || c == ']')
			c = '?';
		buf_addc(&text, c);
	}
	a->end = command_answer(a->s, COMMAND_NO, "[BADURL \"%s\"] There is "
	    "no such message or part", buf_cstr(&text));
	buf_free(&text);
	return false;
}

/* "BODY.PEEK[SECTION]<first.most>" as FETCH has it. */
static bool
url_section(const struct imap_url *u, struct buf *item, struct fetch_args *fa)
{
	struct imap_lex	 l;

	if (buf_addf(item, "BODY.PEEK[%s]", buf_cstr(&u->section)) == -1 ||
	    (u->partial && buf_addf(item, "<%ju.%ju>", (uintmax_t)u->first,
	    (uintmax_t)u->most) == -1))
		return false;
	memset(&l, 0, sizeof(l));
	l.p = item->ptr;
	l.end = item->ptr + item->len;
	return fetch_args_parse(&l, fa) && fa->nsection == 1;
}

static int
url_sink(void *ctx, const char *data, size_t len)
{
	return folder_append_data(ctx, data, len);
}

static bool
url_octets(struct append *a, struct folder *from, const struct imap_url *u,
    const struct fetch_section *sec, struct slice url)
{
	struct fetch_file	 file;
	struct fetch_octets	 o;
	bool			 ok = false;

	fetch_file_init(&file);
	if (fetch_file_open(&file, from, 1, u->uid, 0) == -1 ||
	    fetch_section_find(&file, sec, &o) != FETCH_FOUND) {
		(void)bad_url(a, url);
	} else if (fits(a, o.len)) {
		ok = fetch_section_send(&file, &o, url_sink, a->to) == 0;
		if (ok)
			a->message += o.len;
		else
			(void)store_failed(a);
	}
	fetch_file_free(&file);
	return ok;
}

/* The mailbox of a URL; *opened when it is not the selected one. */
static struct folder *
url_folder(struct append *a, const struct imap_url *u, struct folder **opened)
{
	struct session		*s = a->s;
	struct folder_state	 state;
	struct buf		 name, dir;

	*opened = NULL;
	if (u->mailbox.len == 0)
		return s->view.folder;
	buf_init(&name, IMAP_URL_MAX);
	buf_init(&dir, MAILBOX_DIR_MAX);
	if (mailbox_name_read(buf_slice(&u->mailbox), true, &name, NULL) ==
	    MAILBOX_NAME_OK && mailbox_name_to_dir(buf_slice(&name), &dir) ==
	    0)
		*opened = folder_open(&s->account, buf_cstr(&dir));
	buf_free(&name);
	buf_free(&dir);
	if (*opened != NULL && folder_sync(*opened, FOLDER_QUICK, &state) ==
	    -1) {
		folder_close(*opened);
		*opened = NULL;
	}
	return *opened;
}

/* Only this server's, and this user's. */
static bool
url_is_ours(const struct session *s, const struct imap_url *u)
{
	if (!u->absolute)
		return true;
	if (u->user.len > 0 && strcasecmp(buf_cstr(&u->user),
	    s->who->user) != 0)
		return false;
	return strcasecmp(buf_cstr(&u->host), s->conf->hostname) == 0 ||
	    strcasecmp(buf_cstr(&u->host), "localhost") == 0;
}

static bool
url_copy(struct append *a, const struct imap_url *u,
    const struct fetch_section *sec, struct slice url)
{
	struct folder		*from, *opened;
	struct folder_state	 state;
	bool			 ok = false;

	from = url_folder(a, u, &opened);
	if (from == NULL || folder_state(from, &state) == -1 ||
	    (u->validity != 0 && u->validity != state.validity))
		(void)bad_url(a, url);
	else
		ok = url_octets(a, from, u, sec, url);
	folder_close(opened);
	return ok;
}

static bool
take_url(struct append *a)
{
	struct fetch_args	*fa;
	struct imap_url		 u;
	struct slice		 url;
	struct buf		 item;
	bool			 ok = false;

	if (!imap_lex_astring(&a->s->lex, &url))
		return lex_failed(a);
	fa = fetch_args_new();
	imap_url_init(&u);
	buf_init(&item, 2 * IMAP_URL_MAX);
	if (!imap_url_parse(url, &u) || !url_is_ours(a->s, &u) ||
	    !url_section(&u, &item, fa))
		(void)bad_url(a, url);
	else
		ok = url_copy(a, &u, &fa->section[0], url);
	fetch_args_delete(fa);
	imap_url_free(&u);
	buf_free(&item);
	return ok;
}

/* --- whole messages --------------------------------------------------------------- */

/* RFC 4469 3: "(" parts ")" */
static bool
take_parts(struct append *a)
{
	struct imap_lex	*l = &a->s->lex;

	if (!imap_lex_space(l) || !imap_lex_expect(l, '('))
		return lex_failed(a);
	do {
		if (imap_lex_keyword(l, "TEXT")) {
			if (!imap_lex_space(l))
				return lex_failed(a);
			if (!take_literal(a, false, true))
				return false;
		} else if (imap_lex_keyword(l, "URL")) {
			if (!imap_lex_space(l))
				return lex_failed(a);
			if (!take_url(a))
				return false;
		} else {
			(void)imap_lex_fail(l, "TEXT or URL expected");
			return lex_failed(a);
		}
	} while (imap_lex_accept(l, ' '));
	if (!imap_lex_expect(l, ')'))
		return lex_failed(a);
	if (a->message == 0)
		return refuse(a, "[CANNOT] A message cannot be empty");
	return true;
}

static bool
take_octets(struct append *a)
{
	struct imap_lex	*l = &a->s->lex;

	if (imap_lex_keyword(l, "CATENATE"))
		return take_parts(a);
	/* RFC 6855 4 */
	if (imap_lex_keyword(l, "UTF8")) {
		if (!imap_lex_space(l) || !imap_lex_expect(l, '('))
			return lex_failed(a);
		if (!take_literal(a, true, false))
			return false;
		return imap_lex_expect(l, ')') ? true : lex_failed(a);
	}
	return take_literal(a, false, false);
}

bool
append_message(struct append *a, uint32_t flags, uint32_t keywords,
    int64_t date)
{
	a->message = 0;
	if (folder_append_begin(a->to, flags, keywords, date) == -1)
		return store_failed(a);
	if (!take_octets(a))
		return false;
	if (folder_append_end(a->to) == -1)
		return store_failed(a);
	a->octets += a->message;
	a->count++;
	return true;
}
