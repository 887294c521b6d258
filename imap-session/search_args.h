/*
 * What SEARCH, SORT and THREAD are asked for: the parser of search programs
 * (RFC 9051 6.4.4 and 9, search-key; RFC 3501 for NEW, OLD, RECENT; RFC 4731,
 * RFC 5182, RFC 9394 for RETURN; RFC 7162 3.1.5 MODSEQ; RFC 5032 OLDER and YOUNGER;
 * RFC 8514 SAVEDBEFORE and kin; RFC 8474 EMAILID, THREADID).
 *
 * Knows neither mailbox nor session: what names messages or keywords stays a
 * slice of the lexer, for search_resolve() to fill in.
 */
#ifndef IMAP_SESSION_SEARCH_ARGS_H
#define IMAP_SESSION_SEARCH_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/mail/number_set.h"
#include "lib/net/imap_lex.h"

#define SEARCH_KEYS	1000	/* of a program */
#define SEARCH_DEPTH	50	/* of (), NOT and OR; less if the lexer says */
#define SEARCH_TEXT	4096	/* octets of a text to look for */

/* In the order of what they cost; search.c counts on it. */
enum search_kind {
	SEARCH_ALL,
	SEARCH_UIDS,		/* sequence set, UID set, $ */
	/* Of a struct letter: */
	SEARCH_RECENT,		/* number: 1 RECENT, 0 OLD */
	SEARCH_FLAGS,		/* (flags & mask) == want */
	SEARCH_KEYWORD,		/* want: UNKEYWORD 0, KEYWORD 1; name */
	SEARCH_MODSEQ,		/* at least number */
	SEARCH_LARGER,
	SEARCH_SMALLER,
	SEARCH_RECEIVED,	/* from <= seconds < to */
	SEARCH_SAVED,
	/* Of FACTS_SEARCH: */
	SEARCH_SENT,		/* from <= day < to */
	SEARCH_FIELD,		/* number: enum facts_search; text */
	/* Of FACTS_HEADER: */
	SEARCH_HEADER,		/* name, text */
	/* Of the letter: */
	SEARCH_EMAILID,		/* name */
	SEARCH_BODY,		/* text */
	SEARCH_TEXT_KEY,	/* text */
	/* Of other keys: */
	SEARCH_AND,
	SEARCH_OR,
	SEARCH_NOT
};

struct search_key {
	enum search_kind	 kind;
	enum search_kind	 cost;		/* of the dearest below */
	struct search_key	*child, *next;
	struct search_key	*all;		/* list of all, for freeing */
	uint32_t		 mask, want;
	uint64_t		 number;
	int64_t			 from, to;
	bool			 uid;		/* SEARCH_UIDS: set has UIDs */
	struct slice		 name;		/* also the set; the lexer's */
	struct buf		 text;		/* in casemap form */
	struct number_set	 uids;
};

enum search_return {
	SEARCH_MIN = 1,
	SEARCH_MAX = 2,
	SEARCH_RETURN_ALL = 4,
	SEARCH_COUNT = 8,
	SEARCH_SAVE = 16,
	SEARCH_PARTIAL = 32
};

struct search_args {
	struct search_key	*key;		/* the program, an AND */
	struct search_key	*all;
	size_t			 nkeys;
	bool			 extended;	/* RETURN was there */
	unsigned int		 returns;	/* enum search_return */
	/* PARTIAL: from the front, or (back) from the end; first <= last. */
	struct slice		 range;		/* as written */
	uint32_t		 first, last;
	bool			 back;
	bool			 modseq;	/* a MODSEQ key is there */
	bool			 sets;		/* a sequence set is there */
};

/*
 * Each returns false when the lexer has an error.  search_args_free() in either
 * case; all zero is empty.
 */
/* " RETURN (...)" if it is there. */
bool	 search_args_return(struct imap_lex *, struct search_args *);
/*
 * " CHARSET name" if it is there (utf8: the client may not, RFC 6855 3), or, for
 * SORT and THREAD, " name".
 */
bool	 search_args_charset(struct imap_lex *, bool utf8);
bool	 search_args_charset_name(struct imap_lex *);
/* " key key ..." to the end of the line.  now: for OLDER and YOUNGER. */
bool	 search_args_keys(struct imap_lex *, int64_t now,
	    struct search_args *);
void	 search_args_free(struct search_args *);

/*
 * Append the form that BODY and TEXT compare: white space of any length is one
 * blank, *blank says whether the last was one.  0, or -1 with errno EMSGSIZE.
 */
int	 search_squeeze(struct slice casemapped, bool *blank, struct buf *out);

#endif
