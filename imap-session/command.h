/*
 * Commands: one table of name, handler, the states it is valid in and what it may
 * tell; one file cmd_NAME.c for each family.
 *
 * A handler takes its words from s->lex up to imap_lex_end(); when that is false it returns
 * COMMAND_LEX and has done nothing.  Else it does its work, puts its untagged
 * responses, and returns how to end: the tagged response is put by command.c, after what
 * view_update() has to tell.
 */
#ifndef IMAP_SESSION_COMMAND_H
#define IMAP_SESSION_COMMAND_H

#include "imap-session/session.h"

struct park_idle;

enum command_end {
	COMMAND_OK,		/* "tag OK TEXT" */
	COMMAND_NO,
	COMMAND_BAD,
	COMMAND_LEX,		/* lex.error says it, BAD or NO */
	COMMAND_SENT		/* the handler put the tagged response */
};

enum command_state {
	COMMAND_ANY,
	COMMAND_AUTH,		/* authenticated or selected: always, here */
	COMMAND_UNSELECTED,	/* not with a mailbox selected */
	COMMAND_SELECTED
};

enum command_flag {
	COMMAND_NO_EXPUNGE = 1,	/* RFC 9051 7.5.1: unless in its UID form */
	COMMAND_UID = 2,	/* has a UID form */
	COMMAND_NO_UPDATE = 4,	/* tells nothing: SELECT, LOGOUT, IDLE */
	COMMAND_SEQUENCE = 8,	/* refused with UIDONLY but in the UID form */
	COMMAND_LOGIN = 16	/* too late: BAD */
};

/* Is "UID" in front of the command that runs? */
typedef enum command_end command_fn(struct session *, bool uid);

struct command {
	const char	*name;
	command_fn	*run;
	enum command_state state;
	unsigned int	 flags;
};

/*
 * The text of the tagged response, response code included: "[READ-ONLY] EXAMINE
 * completed".  Unset: "NAME completed" for OK.  Kept as a copy.  Returns end.
 */
enum command_end	 command_answer(struct session *, enum command_end,
			    const char *fmt, ...)
			    __attribute__((format(printf, 3, 4)));
/*
 * NO for what the store says by errno: ENOENT [NONEXISTENT], EDQUOT [OVERQUOTA], ENOSPC
 * [LIMIT], EROFS/EACCES [NOPERM], EAGAIN [INUSE], EEXIST [ALREADYEXISTS], EINVAL [CANNOT], else
 * [SERVERBUG]; logs the last two kinds.  what: "COPY".
 */
enum command_end	 command_failed(struct session *, const char *what);

/* Read one command and run it. */
void	 command_next(struct session *);
/* Go on with an IDLE that was parked, tag in lex.  idle's watch is used up. */
void	 command_idle_again(struct session *, struct park_idle *);

/* put.c: imap_string_add() and kin onto s->s go by these. */
void	 put_string(struct session *, struct slice);	/* quoted or literal */
void	 put_nstring(struct session *, struct slice);
void	 put_mailbox(struct session *, struct slice name);	/* mailbox_name_put() */
void	 put_number(struct session *, uint64_t);	/* fast */
/* "(\Seen a)", with \Recent in rev1 */
void	 put_flags(struct session *, const struct letter *);
/* The same to be put by the caller; borrowed until the next call. */
struct slice	 put_flags_text(struct session *, const struct letter *);
void	 put_set(struct session *, const struct number_set *);
void	 put_date_time(struct session *, int64_t);	/* quoted */
#define PUT_DATE_TIME	28
void	 put_date_time_text(int64_t, char text[PUT_DATE_TIME]);	/* no NUL */
/* "MAILBOXID (F12ab)" (RFC 8474 4), of a mailbox's UIDVALIDITY */
void	 put_mailbox_id(struct session *, uint32_t validity);

/*
 * Words.  The blank before them is the caller's.
 *
 * A mailbox name: canonical UTF-8, never "".  False: lex has why.
 */
bool	 command_mailbox(struct session *, struct buf *name);
/*
 * Flags in parentheses, or without when bare: system flags and keywords, which get a
 * bit (made when there is none and create is true).  \Recent is BAD (RFC 9051
 * 2.3.2).
 */
bool	 command_flags(struct session *, bool bare, bool create,
	    uint32_t *flags, uint32_t *keywords);
/*
 * Open a mailbox by its canonical name, what: "COPY".  NULL: *end is what to
 * return, with [TRYCREATE] when there is none and trycreate is set.
 */
struct folder	*command_folder(struct session *, const char *what,
		    struct slice name, bool trycreate, enum command_end *end);

/* cmd_any.c, cmd_compress.c */
command_fn	 cmd_capability, cmd_noop, cmd_logout, cmd_id, cmd_enable,
		 cmd_compress;
/* cmd_select.c */
command_fn	 cmd_select, cmd_examine, cmd_close, cmd_unselect;
/* cmd_idle.c, cmd_notify.c */
command_fn	 cmd_idle, cmd_notify;
enum command_end	 idle_again(struct session *, struct park_idle *);
/* cmd_mailbox.c: names */
command_fn	 cmd_create, cmd_delete, cmd_rename, cmd_subscribe,
		 cmd_unsubscribe, cmd_namespace;
/* cmd_list.c, cmd_status.c, cmd_metadata.c, cmd_quota.c */
command_fn	 cmd_list, cmd_lsub, cmd_status, cmd_getmetadata,
		 cmd_setmetadata, cmd_getquota, cmd_getquotaroot, cmd_setquota;
/* cmd_append.c */
command_fn	 cmd_append, cmd_replace;
/* cmd_fetch.c */
command_fn	 cmd_fetch;
/* cmd_store.c, cmd_copy.c, cmd_expunge.c */
command_fn	 cmd_store, cmd_copy, cmd_move, cmd_expunge;
/* cmd_search.c, cmd_sort.c, cmd_thread.c */
command_fn	 cmd_search, cmd_sort, cmd_thread;

#endif
