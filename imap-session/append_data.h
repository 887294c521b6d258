/* The octets of messages to be appended, as they come in the command. */
#ifndef IMAP_SESSION_APPEND_DATA_H
#define IMAP_SESSION_APPEND_DATA_H

#include "imap-session/command.h"

struct append {
	struct session		*s;
	const char		*what;		/* "APPEND" */
	struct folder		*folder;
	struct folder_append	*to;
	uint64_t		 octets;	/* of all messages so far */
	uint32_t		 count;
	uint64_t		 message;	/* of this one */
	enum command_end	 end;		/* how it failed */
};

/*
 * One message, from its literal, CATENATE or UTF8 on: begun with these flags,
 * read from the stream and ended.  False: a->end is what to return, and the
 * rest of the command is for imap_lex_finish().
 */
bool	 append_message(struct append *, uint32_t flags, uint32_t keywords,
	    int64_t date);

#endif
