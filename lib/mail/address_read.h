/*
 * Address fields as people and their programs write them, for showing and
 * sorting (RFC 5322 3.4, 4.4).  Nothing is refused; what routes mail is
 * address_list() in address.h, which is strict.
 *
 * Where the world disagrees: semicolons outside groups separate as commas do;
 * what stands in front of "<" is a name, whatever it looks like; of two words
 * in front of "@" the last is the local part; what follows an address goes.
 */
#ifndef MAIL_ADDRESS_READ_H
#define MAIL_ADDRESS_READ_H

#include "lib/base/slice.h"

#define ADDRESS_READ_MAX	10000	/* items; the rest is not looked at */

enum address_item_kind {
	ADDRESS_ITEM_MAILBOX,
	ADDRESS_ITEM_GROUP,		/* has a name, members follow */
	ADDRESS_ITEM_GROUP_END
};

/*
 * Unquoted, unfolded, encoded words left as they are; ptr is NULL for what is
 * not there.  The name may come from a comment behind the address.
 */
struct address_item {
	enum address_item_kind	 kind;
	struct slice		 name;
	struct slice		 route;		/* "@a,@b" */
	struct slice		 local, domain;
};

/*
 * fn gets each item, borrowed while it runs, and returns 0 to go on.  0, or
 * what fn returned.  A group that is not closed ends with the value.
 */
int	 address_read(struct slice value,
	    int (*fn)(const struct address_item *, void *arg), void *arg);

#endif
