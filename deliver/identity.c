/* Contract in identity.h. */
#include <sys/types.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/string.h>

#include "deliver/identity.h"
#include "deliver/report.h"

void
identity_gecos(const char *gecos, const char *login, char *out, size_t size)
{
	const char	*p, *l;
	size_t		 n = 0;

	for (p = gecos; *p != '\0' && *p != ',' && n + 1 < size; p++) {
		if (*p != '&') {
			out[n++] = *p;
			continue;
		}
		for (l = login; *l != '\0' && n + 1 < size; l++)
			out[n++] = l == login && *l >= 'a' && *l <= 'z' ?
			    (char)(*l - 32) : *l;
	}
	out[n] = '\0';
}

static int
parse_qualified(const char *text, const char *hostname, struct address *out)
{
	struct address	 a;
	const int	 flags = ADDRESS_LENIENT | ADDRESS_UTF8;

	if (address_parse(slice_str(text), flags, &a) != ADDRESS_OK)
		return -1;
	if (a.domain[0] == '\0')
		return address_make(a.local, hostname, out);
	*out = a;
	return 0;
}

static void
find_name(const struct deliver_options *o, const struct passwd *pw,
    struct identity *id)
{
	const char	*env = getenv("NAME");

	if (o->name != NULL)
		strlcpy(id->name, o->name, sizeof(id->name));
	else if (env != NULL && env[0] != '\0')
		strlcpy(id->name, env, sizeof(id->name));
	else if (pw != NULL && pw->pw_gecos != NULL)
		identity_gecos(pw->pw_gecos, pw->pw_name, id->name,
		    sizeof(id->name));
}

int
identity_find(const struct config *cfg, const struct deliver_options *o,
    struct identity *id)
{
	const struct passwd	*pw = getpwuid(getuid());
	bool			 null = o->sender != NULL && !o->sender[0];

	memset(id, 0, sizeof(*id));
	find_name(o, pw, id);
	if (o->sender != NULL && !null) {
		if (parse_qualified(o->sender, cfg->hostname,
		    &id->sender) == -1)
			return report(EX_DATAERR,
			    "%s: no valid sender address", o->sender);
		id->author = id->sender;
		return 0;
	}
	if (pw == NULL || parse_qualified(pw->pw_name, cfg->hostname,
	    &id->author) == -1)
		return report(EX_NOUSER, "uid %lu has no login name that can "
		    "send mail; say who sends with -f",
		    (unsigned long)getuid());
	if (!null)
		id->sender = id->author;
	return 0;
}
