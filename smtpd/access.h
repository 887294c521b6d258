/*
 * The access lists of the configuration: files of merpati-access(5), read at
 * start and again when they change.
 */
#ifndef SMTPD_ACCESS_H
#define SMTPD_ACCESS_H

#include "lib/base/buf.h"
#include "lib/base/config.h"
#include "lib/mail/access_table.h"

/* The files of one kind, in the configuration's order. */
struct access;

/*
 * files is borrowed for the life of the result.  NULL and "FILE: reason" in err
 * when one cannot be read.  Wrong lines are logged: who is named in one is
 * deferred, others go on.
 */
struct access	*access_new(const struct config_list *files, bool client,
		    struct buf *err);
/*
 * Read again what changed since and is at rest, as file_stamp.h says.  A file that cannot be read now leaves its
 * former contents standing, and is logged once.
 */
void		 access_refresh(struct access *);
bool		 access_has_names(const struct access *);

/* As access_table_...(), the first file with a match deciding. */
enum access_action	 access_client(const struct access *,
			    const struct sockaddr *, const char *name,
			    const char **text);
enum access_action	 access_address(const struct access *,
			    const struct address *, const char **text);

#endif
