/*
 * Contract in options.h.  Not getopt(3): it keeps state, and cannot tell the
 * options whose argument must be attached (-bs, -oi, -q15m).
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "deliver/options.h"
#include "lib/base/slice.h"
#include "lib/base/text.h"

struct parser {
	char			**argv;
	int			 argc, at;	/* the argument being read */
	const char		*p;		/* next letter in it */
	struct deliver_options	*o;
	char			*err;
};

static int
bad(struct parser *ps, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(ps->err, DELIVER_ERROR_MAX, fmt, ap);
	va_end(ap);
	return -1;
}

/* What is attached to the option, all of it; maybe "". */
static const char *
attached(struct parser *ps)
{
	const char	*s = ps->p;

	ps->p = "";
	return s;
}

/* Attached or the next argument; NULL when there is neither. */
static const char *
argument(struct parser *ps, char letter)
{
	const char	*s = attached(ps);

	if (*s != '\0')
		return s;
	if (ps->at + 1 >= ps->argc) {
		(void)bad(ps, "option -%c needs an argument", letter);
		return NULL;
	}
	return ps->argv[++ps->at];
}

static int
set_mode(struct parser *ps, const char *what)
{
	static const struct {
		char			 letter;
		enum deliver_mode	 mode;
	} modes[] = {
		{ 'm', MODE_SEND }, { 's', MODE_SMTP }, { 'v', MODE_VERIFY },
		{ 'p', MODE_LIST }, { 'i', MODE_ALIASES },
	};
	size_t	 i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (what[0] == modes[i].letter && what[1] == '\0') {
			ps->o->mode = modes[i].mode;
			return 0;
		}
	if (strcmp(what, "d") == 0 || strcmp(what, "D") == 0 ||
	    strcmp(what, "l") == 0)
		return bad(ps, "-b%s: the daemons are started by their "
		    "supervisor, see merpati(7)", what);
	return bad(ps, "unknown mode -b%.20s", what);
}

/*
 * -oX: of sendmail's many only i means something here; e, d, m, Q and the
 * rest choose among habits of that program.
 */
static int
set_old(struct parser *ps)
{
	const char	*s = argument(ps, 'o');

	if (s == NULL)
		return -1;
	if (strcmp(s, "i") == 0)
		ps->o->dot_ends = false;
	return 0;
}

/* -q, -q15m: all of the queue.  -qIid -qRpart -qSpart: some of it. */
static int
set_flush(struct parser *ps)
{
	const char	*s = attached(ps);

	ps->o->mode = MODE_FLUSH;
	if (*s != 'I' && *s != 'R' && *s != 'S')
		return 0;
	ps->o->flush_by = *s == 'I' ? "" :
	    *s == 'R' ? "--recipient" : "--sender";
	ps->o->flush_what = s + 1;
	if (s[1] == '\0')
		return bad(ps, "option -q%c needs a value", *s);
	return 0;
}

/* RFC 3461 4.1: never alone, or a list of the others. */
static int
set_notify(struct parser *ps)
{
	static const char *const	 words[] = { "success", "failure",
	    "delay", "never" };
	const char			*s = argument(ps, 'N'), *comma;
	char				*out = ps->o->notify;
	struct slice			 w;
	size_t				 i, n = 0;
	bool				 never = false;

	if (s == NULL)
		return -1;
	for (out[0] = '\0';; s = comma + 1, n++) {
		comma = strchr(s, ',');
		w.ptr = s;
		w.len = comma == NULL ? strlen(s) : (size_t)(comma - s);
		for (i = 0; i < 4 && !slice_is(w, words[i]); i++)
			;
		if (i == 4 || n == 3)
			return bad(ps, "-N takes never, or some of success, "
			    "failure, delay");
		if (i == 3)
			never = true;
		if (n > 0)
			strcat(out, ",");
		strcat(out, words[i]);
		if (comma == NULL)
			break;
	}
	if (never && n > 0)
		return bad(ps, "-N never stands alone");
	for (; *out != '\0'; out++)
		if (*out >= 'a' && *out <= 'z')
			*out = (char)(*out - 32);
	return 0;
}

static int
set_ret(struct parser *ps)
{
	const char	*s = argument(ps, 'R');

	if (s == NULL)
		return -1;
	if (strcasecmp(s, "full") == 0)
		ps->o->ret = "FULL";
	else if (strcasecmp(s, "hdrs") == 0)
		ps->o->ret = "HDRS";
	else
		return bad(ps, "-R takes full or hdrs");
	return 0;
}

static int
set_sender(struct parser *ps, char letter)
{
	const char	*s;

	/* An empty argument of its own (-f '') is the null sender too. */
	if ((s = argument(ps, letter)) == NULL)
		return -1;
	ps->o->sender = strcmp(s, "<>") == 0 ? "" : s;
	return 0;
}

static int
set_string(struct parser *ps, char letter, const char **out)
{
	const char	*s = argument(ps, letter);

	if (s == NULL)
		return -1;
	if (out != NULL)
		*out = s;
	return 0;
}

static int
one_option(struct parser *ps)
{
	struct deliver_options	*o = ps->o;
	char			 c = *ps->p++;

	switch (c) {
	case 'f':
	case 'r':
		return set_sender(ps, c);
	case 'F':
		return set_string(ps, c, &o->name);
	case 't':
		o->from_header = true;
		return 0;
	case 'i':
		o->dot_ends = false;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	case 'G':
		o->gateway = true;
		return 0;
	case 'b':
		return set_mode(ps, attached(ps));
	case 'o':
		return set_old(ps);
	case 'q':
		return set_flush(ps);
	case 'N':
		return set_notify(ps);
	case 'R':
		return set_ret(ps);
	case 'V':
		return set_string(ps, c, &o->envid);
	case 'c':
	case 'C':
		return set_string(ps, c, &o->config);
	case 'w':
		o->mode = MODE_WORKER;
		return 0;
	case 'h':
		/* -h alone asks for help, -h5 once was a hop count. */
		if (*attached(ps) == '\0')
			o->mode = MODE_HELP;
		return 0;
	case 'I':
		o->mode = MODE_ALIASES;
		return 0;
	case 'B':	/* the body's type is seen from the body */
	case 'L':	/* a name for the log, and nothing is logged here */
	case 'O':
	case 'p':
	case 'X':
	case 'M':
		return set_string(ps, c, NULL);
	case 'A':
	case 'd':
	case 'e':
		(void)attached(ps);
		return 0;
	case 'm':
	case 'n':
	case 's':
	case 'U':
	case 'x':
		return 0;
	}
	return bad(ps, "unknown option -%c", text_is_control(c) ? '?' : c);
}

static const char *
base_name(const char *path)
{
	const char	*slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static int
check(struct parser *ps)
{
	const struct deliver_options	*o = ps->o;
	size_t				 i;

	for (i = 0; i < o->nrcpt; i++)
		if (o->rcpt[i][0] == '-')
			return bad(ps, "%.40s: options stand before "
			    "recipients", o->rcpt[i]);
	if (o->mode == MODE_SEND && o->nrcpt == 0 && !o->from_header)
		return bad(ps, "no recipient: name some, or use -t");
	if (o->mode == MODE_VERIFY && o->nrcpt == 0)
		return bad(ps, "-bv needs recipients");
	return 0;
}

int
options_parse(int argc, char **argv, struct deliver_options *o,
    char err[DELIVER_ERROR_MAX])
{
	struct parser	 ps = { .argv = argv, .argc = argc, .o = o,
	    .err = err };
	const char	*self = argc > 0 ? base_name(argv[0]) : "";

	memset(o, 0, sizeof(*o));
	o->dot_ends = true;
	err[0] = '\0';
	if (strcmp(self, "mailq") == 0)
		o->mode = MODE_LIST;
	else if (strcmp(self, "newaliases") == 0)
		o->mode = MODE_ALIASES;
	for (ps.at = 1; ps.at < argc; ps.at++) {
		ps.p = argv[ps.at];
		if (strcmp(ps.p, "--") == 0) {
			ps.at++;
			break;
		}
		if (strcmp(ps.p, "--help") == 0) {
			o->mode = MODE_HELP;
			return 0;
		}
		if (ps.p[0] != '-' || ps.p[1] == '\0')
			break;
		for (ps.p++; *ps.p != '\0';)
			if (one_option(&ps) == -1)
				return -1;
		if (o->mode == MODE_HELP)
			return 0;
	}
	if (ps.at < argc) {
		o->rcpt = argv + ps.at;
		o->nrcpt = (size_t)(argc - ps.at);
	}
	return check(&ps);
}
