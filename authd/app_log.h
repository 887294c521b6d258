/*
 * The record of when each app password was last used (lib/store/app_uses.h),
 * kept in authd's state: written a minute after the first change, and at the
 * end.
 */
#ifndef AUTHD_APP_LOG_H
#define AUTHD_APP_LOG_H

#include "lib/base/buf.h"

struct app_log;
struct event_base;
struct tables;

/* Reads what is there.  state and tables are borrowed. */
struct app_log	*app_log_new(struct event_base *, const char *state,
		    const struct tables *);
/* Writes what is not yet written. */
void		 app_log_free(struct app_log *);
void		 app_log_note(struct app_log *, const char *user,
		    const char *name, const char *service, const char *ip);
/* Append it as it would be written.  0, or -1 with errno. */
int		 app_log_print(const struct app_log *, struct buf *);

#endif
