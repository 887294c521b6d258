/* What SEARCH, SORT and THREAD share as commands. */
#ifndef IMAP_SESSION_SEARCH_COMMAND_H
#define IMAP_SESSION_SEARCH_COMMAND_H

#include "imap-session/command.h"
#include "imap-session/search.h"
#include "imap-session/search_args.h"

void	 search_context_of(struct session *, struct search_context *);
/*
 * The command's words were all read: find the messages, of those in the view.
 * COMMAND_OK, or how to end.  what: the command's name.
 */
enum command_end	 search_perform(struct session *, const char *what,
			    struct search_args *, struct number_set *uids);
/* The highest modification sequence among them; 0 for none. */
uint64_t	 search_modseq(struct session *, const struct number_set *uids);

#endif
