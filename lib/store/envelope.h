/*
 * A spool file's envelope: text lines in a block of N * 4096 octets before the
 * content, readable by less.  Layout, in octets:
 *
 *	0			envelope lines, "end", padded with LF
 *	block - head		header lines that smtpd added (Received ...)
 *	block			content as it goes on the wire, size octets,
 *				CRLF, never dot-stuffed
 *
 * so the message is the contiguous run from block - head to block + size.
 *
 *	merpati 1
 *	block 4096
 *	size 12345
 *	head 512
 *	arrived 1763740000.123456
 *	from alice@example.org		"from " alone: the null sender
 *	client-ip 192.0.2.1		optional keys from here
 *	client-helo mail.example.org
 *	client-name mail.example.org
 *	auth alice@example.org
 *	uid 1000
 *	flags 8bit dots
 *	ret HDRS
 *	envid QQ314159
 *	rcpts 2
 *	rcpt bob@example.org notify=FAILURE orcpt=rfc822;info@example.org
 *	rcpt carol@example.com
 *	end
 *
 * Keys in this order, each at most once but rcpt; values xtext-encoded (RFC
 * 3461 4, UTF-8 kept).  Anything else is corrupt.
 */
#ifndef STORE_ENVELOPE_H
#define STORE_ENVELOPE_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/mail/message.h"

#define ENVELOPE_BLOCK		4096
#define ENVELOPE_MAX		(64 * 1024 * 1024)	/* a block's limit */
#define ENVELOPE_RCPTS		100000
#define ENVELOPE_VALUE_MAX	MAIL_ORCPT_MAX	/* of any decoded value */

enum envelope_flag {
	ENVELOPE_8BIT = 1,	/* some octet >= 0x80 in the content */
	ENVELOPE_DOTS = 2,	/* some line starts with a dot */
	ENVELOPE_LONGLINE = 4,	/* some line over 998 octets */
	ENVELOPE_UTF8 = 8,	/* SMTPUTF8 was asked for */
	ENVELOPE_BINARY = 16,	/* BODY=BINARYMIME (reserved) */
	ENVELOPE_BOUNCE = 32,	/* made by queue-runner: never bounced */
	ENVELOPE_BARE = 64	/* bare LF or CR were made CRLF */
};

struct envelope_rcpt {
	char	*address;		/* canonical text */
	char	*orcpt;			/* "rfc822;addr" decoded, or NULL */
	int	 notify;		/* enum dsn_notify bits */
};

struct envelope {
	uint32_t		 block, head;
	uint64_t		 size;
	int64_t			 arrived;	/* us since 1970 */
	char			*from;		/* "" is the null sender */
	char			*client_ip;	/* these: NULL when absent */
	char			*client_helo;
	char			*client_name;
	char			*auth;
	long			 uid;		/* -1 when absent */
	int			 flags;		/* enum envelope_flag bits */
	enum dsn_ret		 ret;
	char			*envid;
	struct envelope_rcpt	*rcpts;
	size_t			 nrcpts;
};

enum envelope_status {
	ENVELOPE_OK,
	ENVELOPE_PARTIAL,	/* not whole (yet) */
	ENVELOPE_CORRUPT,
	ENVELOPE_ERROR		/* errno */
};

void	 envelope_init(struct envelope *);
void	 envelope_free(struct envelope *);
/* Append a recipient; strings are copied. */
void	 envelope_add_rcpt(struct envelope *, const char *address,
	    const char *orcpt, int notify);

/*
 * The block's text up to "end" LF, for env->size, ->head, ->block as they are.
 * Optional values that are NULL or "" are left out.  0, or -1 with errno
 * EMSGSIZE or EINVAL (a control octet in a value, no sender, no recipient).
 */
int	 envelope_format(const struct envelope *, struct buf *out);
/*
 * A block that holds the text and head octets whatever the message's size; 0
 * when there is none (as envelope_format() fails).
 */
uint32_t envelope_block_for(const struct envelope *, size_t head);
/*
 * The reverse, from a whole block's octets.  Unless ENVELOPE_OK is returned
 * *out is empty and *why (which may be NULL) a static text.  PARTIAL: cut
 * short, or begins with NUL (blocks that a crash left unwritten).
 */
enum envelope_status	 envelope_parse(struct slice block,
			    struct envelope *out, const char **why);
/*
 * Read and check an open spool file: whole (st_size = block + size), regular.
 * Uses pread only.
 */
enum envelope_status	 envelope_read(int fd, struct envelope *out,
			    const char **why);

#endif
