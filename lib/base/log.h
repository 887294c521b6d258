/*
 * One logfmt event per line on standard error; s6-log adds the time.
 *
 *	log_info("event=queued id=%s from=%s", id, log_esc(sender));
 *
 * A line is one write(2) of at most LOG_LINE_MAX octets, but for log_later().
 * What comes from
 * outside goes through log_esc().  All preserve errno.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdnoreturn.h>

#include "lib/base/slice.h"

#define LOG_LINE_MAX	2000	/* octets, LF included */
#define LOG_GATHER_MAX	4000	/* a write that a pipe takes whole */

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN };

/* prog stands first in every line ("smtpd: event=..."); borrowed. */
void	 log_init(const char *prog);
void	 log_set_level(enum log_level);

void	 log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	 log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * As log_info(), for what happens with every letter: once log_gather() was
 * called, such lines wait for others of their kind, until log_flush() or any
 * other line, and are one write(2) of at most LOG_GATHER_MAX octets.
 */
void	 log_later(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * begun() is called when a line waits that is the first, to see to
 * log_flush(); NULL: no line waits any more.  Before a fork(2) flush.
 */
void	 log_gather(void (*begun)(void *), void *arg);
void	 log_flush(void);
/* With reason="strerror(errno)" appended; the x form without. */
void	 log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	 log_warnx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * For our environment failing us, never reachable by a peer: log, exit
 * EX_TEMPFAIL (the supervisor tries again).
 */
noreturn void	 fatal(const char *fmt, ...)
		    __attribute__((format(printf, 1, 2)));
noreturn void	 fatalx(const char *fmt, ...)
		    __attribute__((format(printf, 1, 2)));

/*
 * A logfmt value for outside octets: quoted when it has a blank, quote, '='
 * or is empty; control octets, DEL, non-UTF-8, quotes and backslashes as
 * \xHH; cut with "..." at 200 octets.  The result lives in one of eight
 * rotating static buffers; for NULL it is "-".
 */
const char	*log_esc(const char *s);
const char	*log_esc_slice(struct slice);

#endif
