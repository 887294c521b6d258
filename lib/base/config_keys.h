/*
 * The one table of configuration keys: section, name, type, default, bounds,
 * where the value goes.  merpati.conf(5) lists the same.
 */
#ifndef BASE_CONFIG_KEYS_H
#define BASE_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/config.h"

enum config_key_type {
	KEY_STRING,		/* char * */
	KEY_PATH,		/* char *, absolute */
	KEY_PATTERN,		/* char *, absolute, with %d %n */
	KEY_DOMAIN,		/* char *, ASCII */
	KEY_ADDRESS,		/* char *, local@domain */
	KEY_CHOICE,		/* char *, one of choices */
	KEY_ROLE,		/* enum config_role */
	KEY_TLS,		/* enum config_tls */
	KEY_MBOX,		/* bool: "mbox" true, "maildir" false */
	KEY_BOOL,		/* bool */
	KEY_TIME,		/* unsigned int, seconds */
	KEY_TIMES,		/* struct config_times */
	KEY_VIA,		/* char *, see config_via.h */
	KEY_UINT,		/* unsigned int */
	KEY_DAYS,		/* int: days, or "never" -1 */
	KEY_SIZE,		/* uint64_t, octets */
	KEY_LIST,		/* struct config_list of any strings */
	KEY_CHOICES,		/* of words of choices */
	KEY_DOMAINS,		/* of domains, also in UTF-8 */
	KEY_PATHS,		/* of absolute paths, or "" */
	KEY_SERVERS,		/* of ADDRESS, ADDRESS:PORT, [V6]:PORT */
	KEY_PATH_OR_NONE,	/* char *, absolute or "" */
	KEY_URL,		/* char *, https:, or http: of this machine */
	KEY_IPV4,		/* char *, a numeric address */
	KEY_IPV6,
	KEY_NETWORKS		/* of ADDRESS or ADDRESS/BITS */
};

struct config_key {
	const char		*section;	/* "" is the top level */
	const char		*name;
	enum config_key_type	 type;
	size_t			 offset;	/* in the section's struct */
	const char		*value;		/* default, NULL: none; lists:
						 * blank-separated */
	uint64_t		 min, max;	/* of numbers, when max > 0 */
	const char		*choices;	/* blank-separated */
};

extern const struct config_key	 config_keys[];
extern const size_t		 config_nkeys;

const struct config_key	*config_key_find(const char *section,
			    const char *name);
/* NULL when value is fine, else the reason, static. */
const char	*config_key_check(const struct config_key *, const char *value);
/* Are its values a list in the file? */
bool		 config_key_is_list(const struct config_key *);
/*
 * Store a checked value (or the default, or NULL) at field; KEY_TIMES: add
 * one.
 */
void	 config_key_store(const struct config_key *, const char *value,
	    void *field);
void	 config_key_default_list(const struct config_key *,
	    struct config_list *);
void	 config_key_free(const struct config_key *, void *field);
bool	 config_is_domain(const char *);
/* "HOST:PORT", "[V6]:PORT" with numeric hosts, or "unix:/PATH". */
bool	 config_is_endpoint(const char *);

#endif
