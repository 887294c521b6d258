/*
 * One access list in memory: merpati-access(5).  Lines "PATTERN ACTION
 * [TEXT]"; '#' starts a comment line.  Pure.
 *
 *	client lists	192.0.2.1  192.0.2.0/24  2001:db8::/32
 *			example.org (the name)  .example.org (below it)
 *	address lists	user@example.org  @example.org  user@
 */
#ifndef MAIL_ACCESS_TABLE_H
#define MAIL_ACCESS_TABLE_H

#include <sys/socket.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/mail/address.h"

#define ACCESS_FILE_MAX	((size_t)64 * 1024 * 1024)	/* octets */
#define ACCESS_TEXT_MAX	200	/* octets of TEXT */

enum access_action {
	ACCESS_NONE,		/* nothing matches */
	ACCESS_OK,		/* look no further */
	ACCESS_REFUSE,		/* 5xx */
	ACCESS_DEFER,		/* 4xx */
	ACCESS_DISCARD		/* say yes, keep nothing */
};

struct access_table;

/*
 * Parse a file's octets.  What is wrong is named in err, "NAME:LINE: reason",
 * which gets nothing when all is right.  Who is named in a wrong line, or in
 * two that differ, is deferred.
 */
struct access_table	*access_table_parse(struct slice text,
			    const char *name, bool client, struct buf *err);
void			 access_table_free(struct access_table *);
/* Does it hold names of clients, so that one is worth finding out? */
bool			 access_table_has_names(const struct access_table *);

/*
 * The most specific pattern that matches: address before network, longer
 * before shorter; a name before ".suffix"; user@domain before @domain before
 * user@.  Case of ASCII is ignored.  *text is borrowed from the table, NULL
 * when the line has none.
 */
enum access_action	 access_table_client(const struct access_table *,
			    const struct sockaddr *, const char *name,
			    const char **text);
enum access_action	 access_table_address(const struct access_table *,
			    const struct address *, const char **text);

#endif
