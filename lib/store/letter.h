/* What is known of a message in a mailbox without opening its file. */
#ifndef STORE_LETTER_H
#define STORE_LETTER_H

#include <stdint.h>

enum letter_flag {
	LETTER_ANSWERED = 1,	/* R */
	LETTER_FLAGGED = 2,	/* F */
	LETTER_DELETED = 4,	/* T */
	LETTER_SEEN = 8,	/* S */
	LETTER_DRAFT = 16,	/* D */
	LETTER_PASSED = 32	/* P: the keyword $Forwarded */
};

#define LETTER_UNKNOWN	UINT64_MAX	/* a size not counted yet */
#define LETTER_UNDATED	INT64_MIN	/* a time not asked for yet */

struct letter {
	uint32_t	 uid;
	uint32_t	 flags;		/* enum letter_flag */
	uint32_t	 keywords;	/* bit n: letter 'a' + n of the name */
	uint32_t	 spare;		/* 0 */
	uint64_t	 modseq;
	uint64_t	 size;		/* octets as stored */
	uint64_t	 wire;		/* octets with CRLF: RFC822.SIZE */
	int64_t		 received;	/* INTERNALDATE: the file's mtime */
	int64_t		 saved;		/* SAVEDATE: seconds, of the name */
};

#endif
