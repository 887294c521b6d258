/*
 * Dovecot's dovecot-keywords, a file a mailbox: lines "0 $Label1" say which
 * keyword the letter 'a' + 0 in its names stands for.  Ours are an account's
 * (account.h), so letters are changed when a mailbox is taken over.
 */
#ifndef STORE_DOVECOT_KEYWORDS_H
#define STORE_DOVECOT_KEYWORDS_H

#include <stdint.h>

#include "lib/store/account.h"

struct dovecot_keywords {
	char		*name[ACCOUNT_KEYWORDS];	/* or NULL */
	int		 bit[ACCOUNT_KEYWORDS];	/* -1: none; -2: ask */
	struct account	 account;	/* as much of it as keywords take */
};

/*
 * Parse text for the account whose Maildir is open as rootfd, which must stay
 * so. Lines that are none are passed over.
 */
void	 dovecot_keywords_parse(struct slice text, int rootfd,
	    struct dovecot_keywords *);
void	 dovecot_keywords_free(struct dovecot_keywords *);
/*
 * The account's bits for a mailbox's; names get a letter when one is in use.  A
 * keyword without a name, or for which there is no letter left, is dropped.
 */
uint32_t dovecot_keywords_map(struct dovecot_keywords *, uint32_t bits);

#endif
