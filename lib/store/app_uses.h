/*
 * When each app password was last used: authd's record, which mailctl shows.  A
 * line each,
 *
 *	user:name:time:service:ip
 *
 * the time as 20261121T103000Z, the address last because of its colons, "-"
 * when there is none.
 */
#ifndef STORE_APP_USES_H
#define STORE_APP_USES_H

#include <stddef.h>
#include <time.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/store/app_passwords.h"

#define APP_USES_FILE	"app-passwords-used"	/* in authd's state */
#define APP_USES_MAX	((size_t)1 << 28)	/* octets of the file */
#define APP_USES_TIME	24			/* of a time, with its NUL */

struct app_uses;

struct app_use {
	const char	*user, *name;
	char		 time[APP_USES_TIME];
	char		 service[16];
	char		 ip[64];	/* or "-" */
};

struct app_uses		*app_uses_new(void);
void			 app_uses_free(struct app_uses *);
/* What the lines say; malformed ones are skipped: it is only a record. */
void			 app_uses_read(struct app_uses *, struct slice text);
void			 app_uses_note(struct app_uses *, const char *user,
			    const char *name, time_t when,
			    const char *service, const char *ip);
/* NULL: never, as far as is known. */
const struct app_use	*app_uses_find(const struct app_uses *,
			    const char *user, const char *name);
/* Append the lines of those that are still there.  0, or -1 with errno. */
int			 app_uses_print(const struct app_uses *,
			    const struct app_passwords *still,
			    struct buf *out);
/* "20261121T103000Z" */
void			 app_uses_time(time_t, char out[APP_USES_TIME]);

#endif
