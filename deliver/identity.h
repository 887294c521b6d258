/* Who calls: the sender's address and real name. */
#ifndef DELIVER_IDENTITY_H
#define DELIVER_IDENTITY_H

#include "deliver/options.h"
#include "lib/base/config.h"
#include "lib/mail/address.h"

#define IDENTITY_NAME_MAX	256

struct identity {
	struct address	 author;	/* for From; never null */
	struct address	 sender;	/* of the envelope; may be null */
	char		 name[IDENTITY_NAME_MAX];	/* may be "" */
};

/*
 * From -f and -F, the environment's NAME, and the passwd entry of the real uid.
 * 0, or an exit code, the reason printed.
 */
int	 identity_find(const struct config *, const struct deliver_options *,
	    struct identity *);

/*
 * The real name in a passwd GECOS field: up to the first comma, '&' standing
 * for the login name with its first letter in upper case.  Cut at size.
 */
void	 identity_gecos(const char *gecos, const char *login, char *out,
	    size_t size);

#endif
