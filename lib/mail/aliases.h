/*
 * aliases(5): "name: result, result, ..." in every local domain, "a@d:" in one,
 * "@d:" the domain's catch-all, tried last; results are addresses, local names
 * or ":include:/file" (addresses, a line each).  Continuation lines start
 * with a blank; '#' starts a comment line.  "|program" and "/file" are
 * refused: programs run only from a user's own filter.  Names match with ASCII
 * case ignored, U-label domains as their A-labels.
 */
#ifndef MAIL_ALIASES_H
#define MAIL_ALIASES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/mail/address.h"

#define ALIASES_DEPTH	10
#define ALIASES_RESULTS	10000

struct aliases;

/*
 * Read the file; one that does not exist is an empty table.  NULL when it
 * cannot be read.  Errors are lines "FILE:LINE: reason" in err, which gets
 * nothing when there are none; an alias with one, or with two lines, is there,
 * but aliases_expand() of it is ALIASES_ERROR.
 */
struct aliases	*aliases_load(const char *path, struct buf *err);
void		 aliases_free(struct aliases *);

/* Does a name match, catch-alls only when catchall?  No expansion. */
bool	 aliases_has(const struct aliases *, const char *local,
	    const char *domain, bool catchall);
/* Each alias in turn: "mailctl alias list". */
void	 aliases_each(const struct aliases *, void (*fn)(const char *name,
	    const char *results, void *arg), void *arg);

/*
 * Read every include file now.  0, or -1 with lines "FILE:LINE: reason" in
 * err: what aliases_expand() would stumble over.
 */
int	 aliases_check_includes(const struct aliases *, struct buf *err);

struct aliases_result {
	char	*address;	/* canonical text */
	char	*owner;		/* the owner-LIST address when such an alias
				 * exists for the list, else NULL */
	char	*orcpt;		/* the alias that was expanded first */
};

enum aliases_status {
	ALIASES_OK,
	ALIASES_NONE,		/* the address is no alias */
	ALIASES_LOOP,		/* depth passed, or only itself */
	ALIASES_TOOMANY,
	ALIASES_ERROR		/* an include cannot be read or has a bad line,
				 * as the alias may (EINVAL), or all are empty
				 * (ENODATA) */
};

/*
 * Expand the address wholly, duplicates removed.  is_local answers for
 * domains; is_user for mailboxes (a result that names its own alias and is a
 * user is delivered there).  Aliases go before users, users before a
 * catch-all.  A result without a domain is in the domain of the address that
 * was expanded, when it is a user or an alias there, else in hostname's.  *out
 * is *n results, at least one, the caller's to free by aliases_results_free();
 * unless ALIASES_OK it is NULL.
 */
enum aliases_status	 aliases_expand(const struct aliases *,
			    const struct address *, const char *hostname,
			    bool (*is_local)(const char *domain, void *),
			    bool (*is_user)(const char *local,
			    const char *domain, void *), void *arg,
			    struct aliases_result **out, size_t *n);
void	 aliases_results_free(struct aliases_result *, size_t n);

#endif
