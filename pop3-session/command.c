/* Contract in command.h. */
#include <inttypes.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/net/pop3.h"
#include "pop3-session/command.h"
#include "pop3-session/retrieve.h"
#include "pop3-session/size.h"

#define CAPA_MAX	1024
#define LINE_ROOM	48	/* two numbers, a blank, CRLF */

void
command_answer(struct session *s, const char *text)
{
	stream_put(&s->s, text, strlen(text));
	stream_put(&s->s, "\r\n", 2);
}

void
command_error(struct session *s, const char *text)
{
	command_answer(s, text);
	if (++s->errors >= SESSION_ERRORS)
		s->end = SESSION_ERROR_LIMIT;
}

/* The index of a message that is there and not deleted, else an answer. */
static bool
command_message(struct session *s, uint32_t number, size_t *i)
{
	if (number == 0 || number > s->mb.list.n) {
		stream_printf(&s->s, "-ERR There is no message %" PRIu32
		    "\r\n", number);
		return false;
	}
	*i = number - 1;
	if (s->mb.mark[*i] & MAILBOX_DELETED) {
		stream_printf(&s->s, "-ERR Message %" PRIu32 " is deleted\r\n",
		    number);
		return false;
	}
	return true;
}

/* Listings have 100,000 lines: printf(3) would be most of their cost. */
static char *
put_decimal(char *o, uint64_t v)
{
	char	 digits[20];
	int	 n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	while (n > 0)
		*o++ = digits[--n];
	return o;
}

static char *
put_hex8(char *o, uint32_t v)
{
	int	 shift;

	for (shift = 28; shift >= 0; shift -= 4)
		*o++ = "0123456789abcdef"[v >> shift & 15];
	return o;
}

/* Dovecot's default UIDL, so that clients move over without noticing. */
static char *
put_uidl(const struct session *s, size_t i, char *o)
{
	o = put_hex8(o, s->mb.list.entry[i].uid);
	return put_hex8(o, s->mb.list.validity);
}

static char *
put_size(const struct session *s, size_t i, char *o)
{
	uint64_t	 wire = s->mb.list.entry[i].wire;

	return put_decimal(o, wire == UINT64_MAX ? 0 : wire);
}

/* "N VALUE" of every message there, or of the one asked for. */
static void
command_listing(struct session *s, const uint32_t *arg, int nargs,
    char *(*value)(const struct session *, size_t, char *))
{
	char	 line[LINE_ROOM + 4], *o;
	size_t	 i;

	if (nargs == 1) {
		if (!command_message(s, arg[0], &i))
			return;
		size_of(&s->mb, i);
		o = stpcpy(line, "+OK ");
		o = put_decimal(o, i + 1);
		*o++ = ' ';
		o = value(s, i, o);
		o = stpcpy(o, "\r\n");
		stream_put(&s->s, line, (size_t)(o - line));
		return;
	}
	stream_printf(&s->s, "+OK %zu messages\r\n",
	    s->mb.list.n - s->mb.ndeleted);
	for (i = 0; i < s->mb.list.n && !s->s.dead; i++) {
		if (s->mb.mark[i] & MAILBOX_DELETED)
			continue;
		o = put_decimal(line, i + 1);
		*o++ = ' ';
		o = value(s, i, o);
		*o++ = '\r';
		*o++ = '\n';
		stream_put(&s->s, line, (size_t)(o - line));
	}
	stream_put(&s->s, ".\r\n", 3);
}

static void
command_list(struct session *s, const uint32_t *arg, int nargs)
{
	if (nargs == 0)
		size_all(&s->mb);
	command_listing(s, arg, nargs, put_size);
}

static void
command_uidl(struct session *s, const uint32_t *arg, int nargs)
{
	command_listing(s, arg, nargs, put_uidl);
}

static void
command_stat(struct session *s, const uint32_t *arg, int nargs)
{
	uint64_t	 octets = 0;
	size_t		 i;

	(void)arg;
	(void)nargs;
	size_all(&s->mb);
	for (i = 0; i < s->mb.list.n; i++)
		if (!(s->mb.mark[i] & MAILBOX_DELETED) &&
		    s->mb.list.entry[i].wire != UINT64_MAX)
			octets += s->mb.list.entry[i].wire;
	stream_printf(&s->s, "+OK %zu %" PRIu64 "\r\n",
	    s->mb.list.n - s->mb.ndeleted, octets);
}

static void
command_retr(struct session *s, const uint32_t *arg, int nargs)
{
	size_t	 i;

	(void)nargs;
	if (command_message(s, arg[0], &i))
		retrieve_whole(s, i);
}

static void
command_top(struct session *s, const uint32_t *arg, int nargs)
{
	size_t	 i;

	(void)nargs;
	if (command_message(s, arg[0], &i))
		retrieve_top(s, i, arg[1]);
}

static void
command_dele(struct session *s, const uint32_t *arg, int nargs)
{
	size_t	 i;

	(void)nargs;
	if (!command_message(s, arg[0], &i))
		return;
	s->mb.mark[i] |= MAILBOX_DELETED;
	s->mb.ndeleted++;
	command_answer(s, "+OK Removed at QUIT");
}

static void
command_rset(struct session *s, const uint32_t *arg, int nargs)
{
	size_t	 i;

	(void)arg;
	(void)nargs;
	for (i = 0; i < s->mb.list.n; i++)
		s->mb.mark[i] &= (unsigned char)~MAILBOX_DELETED;
	s->mb.ndeleted = 0;
	command_answer(s, "+OK Nothing is deleted");
}

static void
command_noop(struct session *s, const uint32_t *arg, int nargs)
{
	(void)arg;
	(void)nargs;
	command_answer(s, "+OK");
}

static void
command_quit(struct session *s, const uint32_t *arg, int nargs)
{
	(void)arg;
	(void)nargs;
	s->end = SESSION_QUIT;
}

static void
command_capa(struct session *s, const uint32_t *arg, int nargs)
{
	struct buf	 list;

	(void)arg;
	(void)nargs;
	buf_init(&list, CAPA_MAX);
	command_answer(s, "+OK Capabilities follow");
	pop3_capabilities(s->conf, NULL, &list);
	stream_put(&s->s, buf_cstr(&list), list.len);
	buf_free(&list);
}

static const struct {
	enum pop3_verb	 verb;
	int		 min, max;	/* numbers */
	void		(*run)(struct session *, const uint32_t *, int);
} commands[] = {
	{ POP3_CAPA, 0, 0, command_capa },
	{ POP3_DELE, 1, 1, command_dele },
	{ POP3_LIST, 0, 1, command_list },
	{ POP3_NOOP, 0, 0, command_noop },
	{ POP3_QUIT, 0, 0, command_quit },
	{ POP3_RETR, 1, 1, command_retr },
	{ POP3_RSET, 0, 0, command_rset },
	{ POP3_STAT, 0, 0, command_stat },
	{ POP3_TOP, 2, 2, command_top },
	{ POP3_UIDL, 0, 1, command_uidl },
};

/* Why a command that pop3d or nobody knows is refused here. */
static const char *
command_reason(enum pop3_verb verb)
{
	switch (verb) {
	case POP3_APOP:
	case POP3_AUTH:
	case POP3_PASS:
	case POP3_USER:
		return "-ERR You are logged in already";
	case POP3_STLS:
	case POP3_UTF8:
		return "-ERR Only before login";
	case POP3_CAPA:
	case POP3_DELE:
	case POP3_LIST:
	case POP3_NOOP:
	case POP3_QUIT:
	case POP3_RETR:
	case POP3_RSET:
	case POP3_STAT:
	case POP3_TOP:
	case POP3_UIDL:
	case POP3_UNKNOWN:
		break;
	}
	return "-ERR Unknown command";
}

void
command_run(struct session *s, struct slice line)
{
	struct pop3_command	 cmd;
	uint32_t		 arg[2] = { 0, 0 };
	size_t			 i;
	int			 n;

	pop3_parse(line, &cmd);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (commands[i].verb != cmd.verb)
			continue;
		n = pop3_numbers(&cmd, arg, commands[i].max);
		if (n < commands[i].min)
			command_error(s, "-ERR Wrong arguments");
		else
			commands[i].run(s, arg, n);
		return;
	}
	command_error(s, command_reason(cmd.verb));
}
