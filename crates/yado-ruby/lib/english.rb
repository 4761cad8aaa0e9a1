# The words of the library English for Ruby's short variables.

alias $ERROR_INFO $!
alias $ERROR_POSITION $@
alias $FS $;
alias $FIELD_SEPARATOR $;
alias $OFS $,
alias $OUTPUT_FIELD_SEPARATOR $,
alias $RS $/
alias $INPUT_RECORD_SEPARATOR $/
alias $ORS $\
alias $OUTPUT_RECORD_SEPARATOR $\
alias $DEFAULT_OUTPUT $>
alias $DEFAULT_INPUT $<
alias $LAST_READ_LINE $_
alias $PID $$
alias $PROCESS_ID $$
alias $CHILD_STATUS $?
alias $LAST_MATCH_INFO $~
alias $MATCH $&
alias $PREMATCH $`
alias $POSTMATCH $'
alias $LAST_PAREN_MATCH $+
alias $INPUT_LINE_NUMBER $.
alias $NR $.
alias $ARGV $*
$IGNORECASE = false
