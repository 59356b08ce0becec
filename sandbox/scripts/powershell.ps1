# Runs the script whose path is the first argument, prints what it says, and writes what became of it, as JSON,
# to the second: its payload, or its error. Variables begin with __ since the script sees them.
$ProgressPreference = 'SilentlyContinue'
$__run = @{ Given = [System.Collections.Generic.List[object]]::new(); Failure = $null; Stage = 'handler' }

function Install-Module {
    # Scripts reach no gallery; what is installed beside PowerShell is there already.
    param([string[]] $Name)
    foreach ($module in $Name) {
        if (-not (Get-Module -ListAvailable -Name $module)) {
            throw "The module $module is not installed here and scripts reach no gallery: save it in PowerShell's own folder Modules."
        }
    }
}

try {
    $__problems = $null
    $__tree = [System.Management.Automation.Language.Parser]::ParseFile($args[0], [ref] $null, [ref] $__problems)
    if ($__problems) {
        $__run.Stage = 'import'
        throw "$($__problems[0].Message) (line $($__problems[0].Extent.StartLineNumber))"
    }
    # A block of the file, not the file: `exit` in it ends the process, with its status.
    $__block = $__tree.GetScriptBlock()
    & $__block *>&1 | ForEach-Object {
        if ($_ -is [System.Management.Automation.ErrorRecord]) {
            [Console]::Error.WriteLine("$_")
            # What a program writes to its standard error comes in this form, too, and is no error.
            if (-not $__run.Failure -and $_.FullyQualifiedErrorId -notlike 'NativeCommandError*') { $__run.Failure = $_ }
        }
        elseif ($_ -is [System.Management.Automation.InformationRecord] -or $_ -is [System.Management.Automation.InformationalRecord]) {
            [Console]::Out.WriteLine("$_")
        }
        else { $__run.Given.Add($_) }
    }
}
catch {
    [Console]::Error.WriteLine("$_")
    [Console]::Error.WriteLine($_.ScriptStackTrace)
    $__run.Failure = $_
}
finally {
    $__run.Payload = 'null'
    if (-not $__run.Failure) {
        try {
            # As PowerShell has it: one value is itself, several are a list.
            if ($__run.Given.Count -eq 1) {
                $__run.Payload = ConvertTo-Json -InputObject $__run.Given[0] -Depth 10 -Compress
            }
            elseif ($__run.Given.Count -gt 1) {
                $__run.Payload = ConvertTo-Json -InputObject $__run.Given.ToArray() -Depth 10 -Compress
            }
        }
        catch {
            $__run.Failure = $_
            $__run.Stage = 'answer'
        }
    }
    $__run.Answer = if ($__run.Failure) {
        @{ error = @{ type = $__run.Failure.Exception.GetType().Name; message = "$($__run.Failure)"; stage = $__run.Stage } }
    }
    else { @{ payload = $__run.Payload } }
    [System.IO.File]::WriteAllText($args[1], (ConvertTo-Json -InputObject $__run.Answer -Depth 4 -Compress))
}
