/* The commands of a session: one table of name, arguments and handler. */
#ifndef POP3_SESSION_COMMAND_H
#define POP3_SESSION_COMMAND_H

#include "lib/base/slice.h"
#include "pop3-session/session.h"

/* Do what the line says and queue the answer; may set session.end. */
void	 command_run(struct session *, struct slice line);
/* Queue "TEXT" CRLF. */
void	 command_answer(struct session *, const char *text);
/* The same for a line that made no sense; too many end the session. */
void	 command_error(struct session *, const char *text);

#endif
