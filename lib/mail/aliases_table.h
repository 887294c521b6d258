/*
 * Inside aliases: the table that aliases.c fills, aliases_parse.c reads
 * lines for, and aliases_expand.c walks.
 */
#ifndef MAIL_ALIASES_TABLE_H
#define MAIL_ALIASES_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/mail/address.h"

#define ALIASES_FILE_MAX	(64 * 1024 * 1024)	/* octets */
#define ALIASES_INCLUDE_MAX	(4 * 1024 * 1024)	/* octets */
#define ALIASES_INCLUDE		":include:"

/*
 * Keys: "local", "local@domain" or "@domain", local parts in lower case and
 * quoted only when they must be, domains as A-labels.
 */
#define ALIASES_KEY_MAX		(ADDRESS_MAX + 1)

struct aliases_entry {
	char	 *key;		/* the table is sorted by it */
	char	 *name;		/* as the file has it, canonical */
	char	**results;	/* canonical addresses, local names, or
				 * ":include:/path" */
	size_t	  n;
	size_t	  line;		/* where it starts */
	bool	  bad;		/* its results are not those meant */
};

struct aliases {
	char			*path;
	struct aliases_entry	*entries;
	size_t			 n;
};

/* The key of a name.  0, or -1 with errno: it can be in no table. */
int	 aliases_key(const char *local, const char *domain,
	    char out[ALIASES_KEY_MAX]);
/* "local@domain", else "local"; or the domain's catch-all; or NULL. */
const struct aliases_entry	*aliases_find(const struct aliases *,
				    const char *local, const char *domain);
const struct aliases_entry	*aliases_find_catchall(const struct aliases *,
				    const char *domain);

/*
 * The name before the colon of a line: its key and canonical form.  *used: the
 * octets up to and with the colon.  0, or -1 with the reason in *why (static
 * text).
 */
int	 aliases_parse_name(struct slice line, char key[ALIASES_KEY_MAX],
	    char name[ALIASES_KEY_MAX], size_t *used, const char **why);
/*
 * The results on one line, between commas; fn gets each in canonical form and
 * returns 0 to go on.  0; -1 with the reason in *why; else what fn returned.
 */
int	 aliases_parse_results(struct slice line, const char **why,
	    int (*fn)(const char *result, void *arg), void *arg);
/* Cut the next item before a comma off *line.  False when none is left. */
bool	 aliases_next_item(struct slice *line, struct slice *item);
/*
 * Cut the next line off *text, without its line end, blanks at the end and,
 * when it is one, the comment.  False at the end.
 */
bool	 aliases_next_line(struct slice *text, struct slice *line);

/*
 * Read an include file and parse each line.  0; -1 with errno (EINVAL: a bad
 * line; each is reported as "FILE:LINE: reason" when err is not NULL); else
 * what fn returned.
 */
int	 aliases_read_include(const char *path, struct buf *err,
	    int (*fn)(const char *result, void *arg), void *arg);

#endif
