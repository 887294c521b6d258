/*
 * The command line of deliver(1), which is also that of sendmail(8) as other
 * programs have called it for decades.  Pure: nothing is opened or printed.
 */
#ifndef DELIVER_OPTIONS_H
#define DELIVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum deliver_mode {
	MODE_SEND,		/* a message on standard input */
	MODE_SMTP,		/* -bs: SMTP on descriptors 0 and 1 */
	MODE_VERIFY,		/* -bv: are the recipients good? */
	MODE_LIST,		/* -bp, mailq */
	MODE_ALIASES,		/* -bi, newaliases */
	MODE_FLUSH,		/* -q: try the queue now */
	MODE_WORKER,		/* -w */
	MODE_HELP		/* -h, --help */
};

struct deliver_options {
	enum deliver_mode	 mode;
	const char		*config;	/* -c, -C FILE, or NULL */
	const char		*sender;	/* -f, -r; NULL, "" is null */
	const char		*name;		/* -F; NULL */
	bool			 from_header;	/* -t */
	bool			 dot_ends;	/* no -i: a lone dot ends */
	bool			 verbose;	/* -v */
	bool			 gateway;	/* -G: complete no header */
	char			 notify[32];	/* -N, upper case, or "" */
	const char		*ret;		/* -R: FULL HDRS NULL */
	const char		*envid;		/* -V */
	const char		*flush_by;	/* -qI -qR -qS: the option of
						 * mailctl, "" for an id */
	const char		*flush_what;
	char			**rcpt;		/* rest of argv, borrowed */
	size_t			 nrcpt;
};

#define DELIVER_ERROR_MAX	160

/*
 * argv[0] counts: mailq and newaliases are modes.  0, or -1 with a line for a
 * person in err (wrong usage).  What is in *out borrows from argv.
 */
int	 options_parse(int argc, char **argv, struct deliver_options *out,
	    char err[DELIVER_ERROR_MAX]);

#endif
