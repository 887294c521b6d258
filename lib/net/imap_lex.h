/*
 * The words of an IMAP command (RFC 9051 9), taken from a stream one after the
 * other: the command is read as far as its words were asked for, so a literal
 * is let in, or refused, by who knows what it is.
 *
 * Words borrow from the lexer until imap_lex_begin().  Every function that
 * returns bool returns false once something is wrong; lex.error then has the
 * words for BAD (or lex.no: for NO, with a response code in front), the first
 * one counts.  So a handler takes all its words and looks once.
 */
#ifndef NET_IMAP_LEX_H
#define NET_IMAP_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/net/stream.h"

#define IMAP_TAG_MAX	64

struct imap_chunk;

struct imap_limits {
	size_t		 line;		/* of all lines of a command together
					 * with literals taken as words; of one
					 * line, STREAM_IN if that is less */
	size_t		 literal;	/* of a literal taken as a word */
	bool		 plus;		/* {n+} of any size (LITERAL+), else
					 * of 4096 octets (LITERAL-) */
	unsigned int	 depth;		/* of parentheses, for who nests */
};

/* What follows the line: nothing, a literal, or one that is being taken. */
enum imap_tail {
	IMAP_TAIL_NONE,
	IMAP_TAIL_SYNC,
	IMAP_TAIL_PLUS,
	IMAP_TAIL_TAKEN
};

struct imap_lex {
	struct stream		*s;
	struct imap_limits	 limit;
	struct imap_chunk	*chunk;		/* memory of the words */
	size_t			 used;		/* octets of this command */
	char			*p, *end;	/* the rest of the line */
	char			 tag[IMAP_TAG_MAX + 1];	/* "*" when none */
	const char		*error;		/* static */
	bool			 no;		/* error is for NO, not BAD */
	bool			 bye;		/* the stream cannot be
						 * followed any more: BYE */
	enum stream_status	 status;	/* the stream's: not OK, over */
	bool			 utf8;		/* quoted strings may be so */
	bool			 binary;	/* literal8 is a string too */
	uint64_t		 octets;	/* of a literal to come */
	bool			 sync;		/* it waits for "+" */
	enum imap_tail		 tail;		/* private, as what follows */
	uint64_t		 tail_octets;
	const char		*bad_line;
};

void	 imap_lex_init(struct imap_lex *, struct stream *,
	    const struct imap_limits *);
void	 imap_lex_free(struct imap_lex *);
/* Overwrite all words, and what was consumed of the stream: passwords. */
void	 imap_lex_wipe(struct imap_lex *);
/*
 * Wait for the next command: its line, tag and name (an atom, any case).
 * False: look at status (over), else at error: to be answered, tag may be
 * known, and imap_lex_finish() called as ever.
 */
bool	 imap_lex_begin(struct imap_lex *, struct slice *name);
/*
 * The command is done with, well or not: true when the line was used up.  What
 * is left of it, with its non-synchronizing literals (at most 1 MiB, else bye),
 * is skipped.  Look at bye and status.  Words stay until imap_lex_begin().
 */
bool	 imap_lex_finish(struct imap_lex *);

/* The line must end here. */
bool	 imap_lex_end(struct imap_lex *);
/* True when it does; no error if not. */
bool	 imap_lex_at_end(const struct imap_lex *);
bool	 imap_lex_space(struct imap_lex *);
/* The next octet if it is c; no error if not. */
bool	 imap_lex_accept(struct imap_lex *, char c);
/* It must be. */
bool	 imap_lex_expect(struct imap_lex *, char c);
/* The next octet, 0 at the end. */
char	 imap_lex_peek(const struct imap_lex *);
/*
 * If the next word is this, ASCII case ignored, take it.  It ends where an atom
 * does, and at "[" and "<" ("BODY[TEXT]<0.10>").
 */
bool	 imap_lex_keyword(struct imap_lex *, const char *word);

bool	 imap_lex_atom(struct imap_lex *, struct slice *);
/* quoted or literal; literal8 too when binary.  NULs only in a literal8. */
bool	 imap_lex_string(struct imap_lex *, struct slice *);
/* NIL: ptr is NULL. */
bool	 imap_lex_nstring(struct imap_lex *, struct slice *);
bool	 imap_lex_astring(struct imap_lex *, struct slice *);
/* list-mailbox: as astring, with % and *. */
bool	 imap_lex_list_mailbox(struct imap_lex *, struct slice *);
bool	 imap_lex_number(struct imap_lex *, uint32_t *);
bool	 imap_lex_nz_number(struct imap_lex *, uint32_t *);
bool	 imap_lex_number64(struct imap_lex *, uint64_t *);	/* < 2^63 */
/* Octets of a sequence-set or "$", unparsed (number_set_parse()). */
bool	 imap_lex_set(struct imap_lex *, struct slice *);
/* "\\Flag" or keyword, as written, backslash included. */
bool	 imap_lex_flag(struct imap_lex *, struct slice *);
/* date-time, quoted (RFC 9051 9): seconds since 1970. */
bool	 imap_lex_date_time(struct imap_lex *, int64_t *);
/* date, quoted or not: days since 1970. */
bool	 imap_lex_date(struct imap_lex *, int64_t *);

/*
 * The argument of ID: NIL or a list of at most 30 pairs (RFC 2971 3.1, 3.3).
 * name and version are what the client says of itself, else untouched.
 */
bool	 imap_lex_id(struct imap_lex *, struct slice *name,
	    struct slice *version);

/*
 * A literal whose octets the caller takes from the stream himself: parse "{n}",
 * "{n+}", "~{n}" at the end of the line and set octets, sync, *binary.  Then
 * either imap_lex_literal_go() (sends "+" when it waits, then the caller
 * consumes exactly octets from the stream, whatever becomes of them, and calls
 * imap_lex_literal_done() for the rest of the line), or an error of his
 * (imap_lex_fail()), and imap_lex_finish() does the right thing.  limit.literal
 * is not looked at.  When the stream fails under him he sets status.
 */
bool	 imap_lex_literal(struct imap_lex *, bool *binary);
bool	 imap_lex_literal_go(struct imap_lex *);
bool	 imap_lex_literal_done(struct imap_lex *);
/* A literal as a word, when it is known to be one. */
bool	 imap_lex_literal_word(struct imap_lex *, struct slice *);

/* ATOM-CHAR (RFC 9051 9) */
bool	 imap_lex_is_atom(char c);

/* Set the error, if there is none yet.  Static text.  Returns false. */
bool	 imap_lex_fail(struct imap_lex *, const char *error);
/* For NO: "[TRYCREATE] No such mailbox". */
bool	 imap_lex_refuse(struct imap_lex *, const char *error);

#endif
