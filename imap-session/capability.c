/* Contract in capability.h. */
#include "imap-session/capability.h"

/*
 * Names come here when all of what they promise is there; doc/imap.md has the
 * RFC and the test of each.
 */
static const char *const names[] = {
	"IMAP4rev2",
	"IMAP4rev1",
	"BINARY",
	"CATENATE",
	"CHILDREN",
	"COMPRESS=DEFLATE",
	"CONDSTORE",
	"CREATE-SPECIAL-USE",
	"ENABLE",
	"ESEARCH",
	"ID",
	"IDLE",
	"INPROGRESS",
	"LIST-EXTENDED",
	"LIST-STATUS",
	"LITERAL+",
	"METADATA",
	"MOVE",
	"MULTIAPPEND",
	"NAMESPACE",
	"NOTIFY",
	"OBJECTID",
	"PARTIAL",
	"PREVIEW",
	"QRESYNC",
	"QUOTA",
	"QUOTA=RES-MESSAGE",
	"QUOTA=RES-STORAGE",
	"REPLACE",
	"SAVEDATE",
	"SEARCHRES",
	"SORT",
	"SORT=DISPLAY",
	"SPECIAL-USE",
	"STATUS=SIZE",
	"THREAD=ORDEREDSUBJECT",
	"THREAD=REFERENCES",
	"UIDONLY",
	"UIDPLUS",
	"UNSELECT",
	"UTF8=ACCEPT",
	"WITHIN",
};

void
capability_put(struct session *s)
{
	size_t	 i;

	stream_printf(&s->s, "CAPABILITY");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		stream_printf(&s->s, " %s", names[i]);
	stream_printf(&s->s, " APPENDLIMIT=%llu",
	    (unsigned long long)s->conf->message_size);
}
