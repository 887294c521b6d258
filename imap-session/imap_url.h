/*
 * The URL of a message or a part of one on this server, as CATENATE takes it
 * (RFC 4469 4, RFC 5092): absolute ("imap://user@host/box;UIDVALIDITY=7/;UID=3
 * /;SECTION=1.2/;PARTIAL=0.100"), without the server ("/box/;UID=3"), or
 * without the mailbox, which then is the selected one (";UID=3").
 */
#ifndef IMAP_SESSION_IMAP_URL_H
#define IMAP_SESSION_IMAP_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

#define IMAP_URL_MAX	4000	/* octets of any of its parts, decoded */

struct imap_url {
	bool		 absolute;
	struct buf	 user, host;	/* decoded, "" when not said */
	struct buf	 mailbox;	/* decoded: UTF-8; "" the selected one */
	uint32_t	 validity;	/* 0: not said */
	uint32_t	 uid;
	struct buf	 section;	/* decoded: "1.2.MIME", "" all */
	bool		 partial;
	uint64_t	 first, most;
};

void	 imap_url_init(struct imap_url *);
void	 imap_url_free(struct imap_url *);
/* False: it is none, or not one of a message. */
bool	 imap_url_parse(struct slice url, struct imap_url *);

#endif
