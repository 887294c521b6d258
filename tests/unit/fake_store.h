/*
 * A mailbox in memory in place of lib/store's folder and account, which
 * changes when the test says: in the nth folder_sync().
 */
#ifndef TESTS_FAKE_STORE_H
#define TESTS_FAKE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store/folder.h"

#define FAKE_MAX	64

extern struct fake {
	struct letter		 letter[FAKE_MAX];	/* by UID */
	char			*text[FAKE_MAX];	/* of UID i + 1 */
	bool			 no_file[FAKE_MAX];	/* it is gone */
	size_t			 n;
	struct {
		uint32_t	 uid;
		uint64_t	 modseq;
	}			 vanished[FAKE_MAX];
	size_t			 nvanished;
	struct folder_state	 state;
	uint64_t		 forgotten;	/* as in index.h */
	uint32_t		 claimed;	/* \Recent from here on */
	unsigned int		 syncs;
	enum folder_depth	 depth;		/* of the last one */
	void			(*at_sync)(unsigned int n);
	void			(*after_sync)(unsigned int n);	/* at once */
	int			 sync_errno;
	unsigned int		 opened, closed;
	char			 keyword[ACCOUNT_KEYWORDS][32];
	uint64_t		 quota;		/* octets; 0: none */
	int			 store_errno;	/* of what changes letters */
	void			(*at_store)(void);	/* others were first */
} fake;

/* Empty, UIDVALIDITY 7, modseq 100. */
void	 fake_reset(void);
/* What others do. */
void	 fake_deliver(uint32_t flags);
/* With octets, as stored. */
void	 fake_deliver_text(uint32_t flags, const char *text);
void	 fake_flag(uint32_t uid, uint32_t flags);
void	 fake_remove(uint32_t uid);
/* NULL: it is not there. */
struct letter	*fake_find(uint32_t uid);

#endif
