/*
 * Where users come from.  A source knows users by their login names, and uids
 * of mailboxes; config `users` names those that are asked, in their order, and
 * the first that has a name counts.  A further one (a directory, a database) is
 * a row of the table in sources.c, and a way to check passwords when it does
 * not tell hashes.
 */
#ifndef AUTHD_SOURCES_H
#define AUTHD_SOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "authd/tables.h"

/*
 * The user of "name@domain", case ignored; NULL when there is none.  When a
 * source cannot say now, t->unsure is set; when the name's line is wrong,
 * t->broken as well.
 */
struct user	*sources_find(struct tables *t, const char *name);
/* Is it the uid of some mailbox? */
bool		 sources_has_uid(struct tables *t, uint32_t uid);

#endif
