/* The commands of session.c's table, called only where it allows them. */
#ifndef SMTPD_COMMANDS_H
#define SMTPD_COMMANDS_H

#include "lib/base/slice.h"

struct session;

/* cmd_helo.c */
void	 cmd_helo(struct session *, struct slice arg);
void	 cmd_ehlo(struct session *, struct slice arg);	/* LHLO too */
void	 cmd_rset(struct session *, struct slice arg);
void	 cmd_noop(struct session *, struct slice arg);
void	 cmd_quit(struct session *, struct slice arg);
/* cmd_mail.c */
void	 cmd_mail(struct session *, struct slice arg);
/* cmd_rcpt.c */
void	 cmd_rcpt(struct session *, struct slice arg);
/* cmd_data.c */
void	 cmd_data(struct session *, struct slice arg);
void	 cmd_bdat(struct session *, struct slice arg);
/* cmd_starttls.c */
void	 cmd_starttls(struct session *, struct slice arg);
/* cmd_auth.c */
void	 cmd_auth(struct session *, struct slice arg);
/* EHLO's line about it, if there is one. */
void	 cmd_auth_announce(struct session *);
/* cmd_info.c */
void	 cmd_vrfy(struct session *, struct slice arg);
void	 cmd_expn(struct session *, struct slice arg);
void	 cmd_help(struct session *, struct slice arg);
void	 cmd_verb(struct session *, struct slice arg);

#endif
