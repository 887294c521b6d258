/* What mailctl's commands share: the configuration, output, complaints. */
#ifndef MAILCTL_MAILCTL_H
#define MAILCTL_MAILCTL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/config.h"

struct mailctl {
	const char		*file;	/* -c, or NULL */
	const struct config	*cfg;	/* NULL until mailctl_config() */
	bool			 json;	/* --json */
};

/* The configuration; exits EX_CONFIG, the errors printed, when it is bad. */
const struct config	*mailctl_config(struct mailctl *);

/*
 * The commands: argv[0] is the command's own name.  The result is the exit
 * code, sysexits(3).
 */
int	 cmd_user(struct mailctl *, int argc, char **argv);
int	 cmd_alias(struct mailctl *, int argc, char **argv);
int	 cmd_queue(struct mailctl *, int argc, char **argv);
int	 cmd_certificate(struct mailctl *, int argc, char **argv);
int	 cmd_check(struct mailctl *, int argc, char **argv);
int	 cmd_status(struct mailctl *, int argc, char **argv);
int	 cmd_reload(struct mailctl *, int argc, char **argv);
int	 cmd_client_config(struct mailctl *, int argc, char **argv);
int	 cmd_dns(struct mailctl *, int argc, char **argv);
int	 cmd_route(struct mailctl *, int argc, char **argv);
int	 cmd_trace(struct mailctl *, int argc, char **argv);

/* Print "mailctl: ..." to standard error; returns code. */
int	 complain(int code, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* What each command takes, to standard error; returns EX_USAGE. */
int	 wrong_usage(const char *usage);

/*
 * The one word that a command takes, perhaps with --json; NULL when it is
 * called otherwise, and told so.
 */
const char	*only_word(struct mailctl *, int argc, char **argv,
		    const char *usage);

/* Octets from outside for a terminal: control ones and ill-formed UTF-8 are
 * '?'.  One of eight rotating buffers, cut at 2,047 octets. */
const char	*shown(const char *s);
/* "12.3 MB" in one of eight rotating buffers. */
const char	*shown_size(unsigned long long octets);

#endif
