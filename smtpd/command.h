/*
 * SMTP commands taken apart: RFC 5321 4.1, with the parameters of SIZE (RFC
 * 1870), 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531), DSN (RFC 3461, RFC 6533),
 * CHUNKING (RFC 3030) and AUTH (RFC 4954).  Pure: what may be said when is
 * session.c's.
 *
 * Parsers return 0, or -1 with *err holding the reply to give.
 */
#ifndef SMTPD_COMMAND_H
#define SMTPD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/mail/address.h"

#define COMMAND_HELO_MAX	255	/* octets, as a domain */
#define COMMAND_ENVID_MAX	100	/* RFC 3461 4.4 */
#define COMMAND_ORCPT_MAX	500	/* RFC 3461 4.2 */
#define COMMAND_PARAMS_MAX	16	/* in one command */

struct command_error {
	int		 code;
	const char	*enhanced;	/* RFC 3463 */
	const char	*text;
};

struct command_mail {
	struct address	 from;
	uint64_t	 size;		/* 0: not declared */
	bool		 utf8;		/* SMTPUTF8 */
	bool		 eightbit;	/* BODY=8BITMIME */
	int		 ret;		/* enum dsn_ret */
	bool		 has_envid;
	char		 envid[COMMAND_ENVID_MAX + 1];	/* decoded */
	/*
	 * Who gave the message to the one who sends it, as that one says
	 * (RFC 4954 5); "": not said, or AUTH=<>, which means the same.
	 */
	char		 auth[ADDRESS_MAX + 1];
};

struct command_rcpt {
	struct address	 to;
	int		 notify;	/* enum dsn_notify bits */
	bool		 has_orcpt;
	char		 orcpt[COMMAND_ORCPT_MAX + 1];	/* "type;decoded" */
};

/* "VERB argument": without blanks around either; both borrow from line. */
void	 command_split(struct slice line, struct slice *verb,
	    struct slice *arg);
/*
 * HELO's and EHLO's argument, copied.  Any printable word will do: many
 * clients do not know their own name, and RFC 5321 4.1.4 lets nothing depend
 * on it.
 */
int	 command_parse_helo(struct slice arg, char out[COMMAND_HELO_MAX + 1],
	    struct command_error *err);
/* flags: ADDRESS_LENIENT or 0. */
int	 command_parse_mail(struct slice arg, int flags,
	    struct command_mail *out, struct command_error *err);
/* utf8: MAIL had SMTPUTF8. */
int	 command_parse_rcpt(struct slice arg, int flags, bool utf8,
	    struct command_rcpt *out, struct command_error *err);
int	 command_parse_bdat(struct slice arg, uint64_t *size, bool *last,
	    struct command_error *err);
/*
 * AUTH's argument: a mechanism's name, and perhaps an initial response, whose
 * base 64 is not looked at; without one *initial is empty.  Both borrow.
 */
int	 command_parse_auth(struct slice arg, struct slice *mechanism,
	    struct slice *initial, struct command_error *err);

#endif
